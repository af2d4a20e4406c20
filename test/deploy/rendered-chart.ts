import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe } from '@jest/globals';
import { findHelm } from '../../tools/helm/find-helm.ts';
import { type KubernetesObject, type Rendering, renderChart } from '../../tools/helm/render-chart.ts';

const helm = findHelm();

/** Describes tests that need helm. Where it is missing and cannot be installed, it says that it leaves them out. */
export function withHelm(what: string, tests: () => void): void {
  if (!helm) process.stdout.write(`${what}: left out, because helm is missing and npm cannot bring it here\n`);
  (helm ? describe : describe.skip)(what, tests);
}

export type ProcessName = 'api' | 'worker';
export const processes = ['api', 'worker'] as const;

/** The objects of the chart. Only for tests of `withHelm`. */
export const render = (rendering: Rendering): KubernetesObject[] => renderChart(helm!, rendering);

/** The object of this kind that belongs to the process. */
export const named = (objects: readonly KubernetesObject[], kind: string, process: ProcessName) =>
  objects.find((object) => object.kind === kind && object.metadata.name.endsWith(`-${process}`))!;

export const podOf = (objects: readonly KubernetesObject[], process: ProcessName) =>
  named(objects, 'Deployment', process).spec.template;

export const containerOf = (objects: readonly KubernetesObject[], process: ProcessName) =>
  podOf(objects, process).spec.containers[0];

/** The numbers of a container's ports, by their names. */
export const portsOf = (objects: readonly KubernetesObject[], process: ProcessName): Record<string, number> =>
  Object.fromEntries(
    containerOf(objects, process).ports.map((port: { name: string; containerPort: number }) => [
      port.name,
      port.containerPort,
    ]),
  );

/** Where the pods find the Secrets. */
const MOUNT = '/run/secrets/healify-chat';

/** Writes a file for each key of a Secret. Returns their folder, which the caller removes. */
export function writeSecrets(secrets: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'healify-secrets-'));
  for (const [name, secret] of Object.entries(secrets)) writeFileSync(join(folder, name), secret);
  return folder;
}

/** The environment of a process's container, with its Secrets in this folder. */
export const environmentOf = (
  objects: readonly KubernetesObject[],
  process: ProcessName,
  secretsDir: string,
): Record<string, string> =>
  Object.fromEntries(
    containerOf(objects, process).env.map(({ name, value }: { name: string; value: string }) => [
      name,
      value.replace(MOUNT, secretsDir),
    ]),
  );
