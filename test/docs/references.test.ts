import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { createOpenApiDocument } from '../../src/api/docs/openapi.ts';
import type { Setting } from '../../src/config/setting.ts';
import { fileVariableOf } from '../../src/config/setting-text.ts';
import { settings } from '../../src/config/settings.ts';
import { deadLetterReasons } from '../../src/contracts/error-codes.ts';

const root = join(import.meta.dirname, '../..');
const documents = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...globSync('docs/*.md', { cwd: root })];
const runbooks = globSync('docs/runbooks/*.md', { cwd: root });
const textOf = (file: string) => readFileSync(join(root, file), 'utf8');
const proseOf = (file: string) => textOf(file).replace(/^```.*?^```$/gms, '');
const namesIn = (text: string, pattern: RegExp) => [...new Set([...text.matchAll(pattern)].map(([, name]) => name!))];

/** The fragment that GitHub makes of a heading. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\d _-]/gu, '')
    .replaceAll(' ', '-');
const anchorsOf = (file: string) => namesIn(proseOf(file), /^#+ (.+)$/gm).map(anchorOf);

/** The names of all source files, without their folders. */
const sources = globSync('{src,dashboards,test,tools,bench,chaos,fuzz}/**/*.ts', { cwd: root }).map((path) =>
  basename(path),
);

const settingNames = Object.values(settings).flatMap((group) =>
  Object.values<Setting>(group).flatMap((setting) =>
    setting.mayBeInFile ? [setting.env, fileVariableOf(setting)] : [setting.env],
  ),
);
/** Variables that are not settings of a process: those of tools, of compose, of the examples, and of OpenTelemetry's exporter. */
const otherVariables = [
  'ALERTMANAGER_CONFIG',
  'BENCH_PROFILES',
  'BIND_ADDRESS',
  'HEALIFY_EMAIL',
  'HEALIFY_PASSWORD',
  'GRAFANA_PASSWORD',
  'MONGODB_PASSWORD',
  'MONGODB_WORKER_PASSWORD',
  'GRAFANA_PORT',
  'LOCAL_SERVERS',
  'NODE_EXTRA_CA_CERTS',
  'OTEL_EXPORTER_OTLP_HEADERS',
  'OTEL_EXPORTER_OTLP_TIMEOUT',
  'OTEL_RESOURCE_ATTRIBUTES',
  'OTEL_SERVICE_NAME',
  'PROMETHEUS_PORT',
  'RABBITMQ_PASSWORD',
  'RABBITMQ_API_PASSWORD',
  'RABBITMQ_WORKER_PASSWORD',
  'REDIS_PASSWORD',
  'REDIS_API_PASSWORD',
  'REDIS_WORKER_PASSWORD',
  'RUNBOOK_BASE_URL',
  'SECRETS_DIR',
  'TEST_MONGODB_URL',
  'TEST_SERVICES',
];
/** Words of others that look like variables. */
const otherWords = ['ERR_JWKS_NO_MATCHING_KEY'];

/** This list is generated from the code. */
const metricNames = namesIn(textOf('docs/metrics.md'), /^\| `([a-z_\d]+)` \|/gm);

test.each(documents)('%s says first who it is for, and what they can do after reading it', (file) => {
  const beginning = textOf(file).split('\n## ')[0]!.replaceAll('\n', ' ');
  expect(beginning).toMatch(/This page is for \w+ who.*After reading /);
});

describe.each([...documents, ...runbooks])('%s', (file) => {
  test('links to files and headings that exist', () => {
    for (const target of namesIn(proseOf(file), /\]\((?!https?:)([^)]+)\)/g)) {
      const [path, anchor] = target.split('#');
      const linked = path ? join(dirname(file), path) : file;
      expect([target, existsSync(join(root, linked))]).toEqual([target, true]);
      if (anchor) expect(anchorsOf(linked)).toContain(anchor);
    }
  });

  test('names source files and folders that exist', () => {
    for (const path of namesIn(
      proseOf(file),
      /`((?:src|dashboards|deploy|test|tools|bench|chaos|fuzz|docs|examples)\/[\w./-]+)`/g,
    ))
      expect([path, existsSync(join(root, path))]).toEqual([path, true]);
    for (const name of namesIn(proseOf(file), /`([\w-]+\.ts)`/g)) expect(sources).toContain(name);
  });

  test('names settings and metrics that exist', () => {
    for (const name of namesIn(proseOf(file), /`([A-Z][A-Z\d]*(?:_[A-Z\d]+)+)(?:=[^`]*)?`/g))
      expect([...settingNames, ...otherVariables, ...otherWords]).toContain(name);
    for (const name of namesIn(textOf(file), /\b((?:healify|gen_ai_client)_[a-z_]+)/g))
      expect([...metricNames, ...metricNames.flatMap((each) => [`${each}_count`, `${each}_sum`])]).toContain(name);
  });
});

test('operators find every reason of a dead letter', () => {
  const text = textOf('docs/operating.md');
  for (const reason of deadLetterReasons) expect(text).toContain(`\`${reason}`);
});

test('endpoints in the documents are those of the API', () => {
  const { paths } = createOpenApiDocument({ version: '1', accounts: true, oidc: true });
  const pages = ['/admin/login', '/admin/logout', '/admin/queues', '/docs', '/openapi.json', '/metrics'];
  const offered = [...Object.keys(paths ?? {}), ...pages].map((path) => path.replace(/\{\w+\}|:\w+/g, '*'));
  for (const file of documents) {
    for (const path of namesIn(proseOf(file), /`(?:GET|POST|PUT|PATCH|DELETE) (\/[^\s`?]*)/g))
      expect([file, offered]).toEqual([file, expect.arrayContaining([path.replace(/\{\w+\}|:\w+/g, '*')])]);
  }
});

test('each guarantee names the test that shows it', () => {
  const rows = namesIn(textOf('docs/reliability.md'), /^(\| \d+ \|.*)$/gm);
  expect(rows.length).toBeGreaterThan(20);
  for (const row of rows) expect(row).toMatch(/\]\([^)]*test[^)]*\)/);
});
