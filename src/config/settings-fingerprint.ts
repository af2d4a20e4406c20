import { createHmac } from 'node:crypto';
import type { ApiConfig, WorkerConfig } from './settings.ts';

/** The settings that must be the same in all processes, or questions and answers are lost, refused or misread. */
const MUST_AGREE = [
  'namespace',
  'messageSigningKey',
  'encryptionKeys',
  'acceptUnsignedAnswers',
  'redeliveryWindowMs',
  'chatModel',
  'allowedModels',
] as const satisfies readonly (keyof ApiConfig & keyof WorkerConfig)[];

/**
 * Eight hex digits that differ between processes whose settings do not agree. The key of the hash is the signing key, so
 * nobody can guess a setting from it.
 */
export function settingsFingerprint(config: Pick<ApiConfig & WorkerConfig, (typeof MUST_AGREE)[number]>): string {
  const values = MUST_AGREE.map((field) => [field, config[field] ?? null]);
  return createHmac('sha256', config.messageSigningKey.join(','))
    .update(JSON.stringify(values))
    .digest('hex')
    .slice(0, 8);
}
