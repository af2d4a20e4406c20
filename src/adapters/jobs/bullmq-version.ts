import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';
import { BULLMQ_VERSION } from './redis-scripts/bullmq-layout.ts';

/** The version of BullMQ that is installed. */
export function installedBullMq(): string {
  const file = findPackageJSON('bullmq', import.meta.url)!;
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

/**
 * Returns what is wrong with the installed version of BullMQ, and what to do about it. Returns undefined for the
 * version whose private layout in Redis our scripts know. With any other version jobs might be lost.
 */
export function bullMqProblem(installed = installedBullMq()): string | undefined {
  if (installed === BULLMQ_VERSION) return undefined;
  return (
    `BullMQ ${installed} is installed, but our Redis scripts know the layout of BullMQ ${BULLMQ_VERSION} only. ` +
    'Run `npm ci` to install that version; to upgrade, see "Upgrading BullMQ" in docs/architecture.md.'
  );
}
