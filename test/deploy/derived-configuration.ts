import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parse } from 'yaml';
import { derivePrometheus as derive } from '../../tools/services/prometheus-config.ts';
import { root, ruleFiles } from './rule-files.ts';

/**
 * The shipped prometheus.yml and rules with other addresses, and with seconds where they have minutes.
 * @param options.targets where each job's targets are; jobs without one are left out
 * @returns the path of the prometheus.yml
 */
export function derivePrometheus(options: {
  dir: string;
  targets: Record<string, string[]>;
  alertmanager: string;
}): string {
  const rulesDir = join(options.dir, 'rules');
  mkdirSync(rulesDir, { recursive: true });
  for (const file of ruleFiles) {
    const text = readFileSync(file, 'utf8').replace(/^( +for:) \d+[mh]$/gm, '$1 1s');
    writeFileSync(join(rulesDir, basename(file)), text);
  }
  return derive({ ...options, interval: '1s', ruleFiles: join(rulesDir, '*.yml') });
}

/**
 * The shipped alertmanager.yml, which sends at once what it groups, to `webhook` with the receiver's name behind it.
 * @returns the path of the alertmanager.yml
 */
export function deriveAlertmanager(options: { dir: string; webhook: string }): string {
  const { dir, webhook } = options;
  const shipped = parse(readFileSync(join(root, 'deploy/alertmanager/alertmanager.yml'), 'utf8'));
  const derived = {
    ...shipped,
    route: { ...shipped.route, group_wait: '1s', group_interval: '1s' },
    receivers: shipped.receivers.map(({ name }: { name: string }) => ({
      name,
      webhook_configs: [{ url: `${webhook}/${name}` }],
    })),
  };
  mkdirSync(dir, { recursive: true });
  const file = join(dir, 'alertmanager.yml');
  // JSON is YAML, too.
  writeFileSync(file, JSON.stringify(derived));
  return file;
}
