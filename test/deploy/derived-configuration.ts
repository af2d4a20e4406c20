import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parse } from 'yaml';
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
  const { dir, targets, alertmanager } = options;
  const shipped = parse(readFileSync(join(root, 'deploy/prometheus/prometheus.yml'), 'utf8'));
  const jobs: string[] = shipped.scrape_configs.map(({ job_name }: { job_name: string }) => job_name);
  for (const job of Object.keys(targets)) if (!jobs.includes(job)) throw new Error(`prometheus.yml has no job ${job}`);
  mkdirSync(join(dir, 'rules'), { recursive: true });
  for (const file of ruleFiles) {
    const text = readFileSync(file, 'utf8').replace(/^( +for:) \d+[mh]$/gm, '$1 1s');
    writeFileSync(join(dir, 'rules', basename(file)), text);
  }
  const derived = {
    ...shipped,
    global: { scrape_interval: '1s', evaluation_interval: '1s' },
    alerting: { alertmanagers: [{ static_configs: [{ targets: [alertmanager] }] }] },
    scrape_configs: Object.entries(targets).map(([job, addresses]) => ({
      job_name: job,
      static_configs: [{ targets: addresses }],
    })),
  };
  return write(join(dir, 'prometheus.yml'), derived);
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
  return write(join(dir, 'alertmanager.yml'), derived);
}

/** JSON is YAML, too. */
function write(file: string, content: unknown): string {
  writeFileSync(file, JSON.stringify(content));
  return file;
}
