import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

export const root = join(import.meta.dirname, '../..');

interface Rule {
  record?: string;
  alert?: string;
  expr: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

export const ruleFiles = globSync('deploy/prometheus/rules/*.yml', { cwd: root })
  .map((file) => join(root, file))
  .sort();

/** All rules of all files. */
export const rules: Rule[] = ruleFiles.flatMap((file) => {
  const { groups } = parse(readFileSync(file, 'utf8')) as { groups: { rules: Rule[] }[] };
  return groups.flatMap((group) => group.rules);
});

export const alerts = rules.filter((rule) => rule.alert !== undefined);
export const alertNames = [...new Set(alerts.map(({ alert }) => alert!))];
