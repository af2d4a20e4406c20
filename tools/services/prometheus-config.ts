import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

export const DEPLOY = join(import.meta.dirname, '../../deploy');

export interface DerivedPrometheus {
  dir: string;
  /** Where each job's targets are; jobs without one are left out. */
  targets: Record<string, string[]>;
  /** host:port; undefined if there is none */
  alertmanager: string | undefined;
  /** How often it scrapes and judges. */
  interval: string;
  /** The pattern of the files with rules; as shipped if left out. */
  ruleFiles?: string;
  /** The file with the bearer token of the api and the worker. */
  tokenFile?: string | undefined;
}

/**
 * Writes the shipped prometheus.yml with other addresses.
 * @returns the path of the new prometheus.yml
 */
export function derivePrometheus(options: DerivedPrometheus): string {
  const { dir, targets, alertmanager, interval, ruleFiles, tokenFile } = options;
  const shipped = parse(readFileSync(join(DEPLOY, 'prometheus/prometheus.yml'), 'utf8'));
  const jobs: string[] = shipped.scrape_configs.map(({ job_name }: { job_name: string }) => job_name);
  for (const job of Object.keys(targets)) if (!jobs.includes(job)) throw new Error(`prometheus.yml has no job ${job}`);
  const derived = {
    ...shipped,
    global: { ...shipped.global, scrape_interval: interval, evaluation_interval: interval },
    rule_files: [ruleFiles ?? join(DEPLOY, 'prometheus/rules/*.yml')],
    alerting: {
      ...shipped.alerting,
      alertmanagers: alertmanager ? [{ static_configs: [{ targets: [alertmanager] }] }] : [],
    },
    scrape_configs: Object.entries(targets).map(([job, addresses]) => ({
      job_name: job,
      static_configs: [{ targets: addresses }],
      ...(tokenFile && job.startsWith('healify-') && { authorization: { credentials_file: tokenFile } }),
    })),
  };
  mkdirSync(dir, { recursive: true });
  const file = join(dir, 'prometheus.yml');
  // JSON is YAML, too.
  writeFileSync(file, JSON.stringify(derived));
  return file;
}
