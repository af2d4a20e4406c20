import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';

const root = join(import.meta.dirname, '../..');
const config = '.dependency-cruiser.cjs';
const { forbidden } = createRequire(import.meta.url)(join(root, config)) as { forbidden: { name: string }[] };
const rules = forbidden.map(({ name }) => name);

/** Imports of one file by another: what each rule forbids. */
const forbiddenImports: Record<string, [from: string, to: string][]> = {
  'contracts-imports-only-what-it-may': [
    ['src/contracts/of-config.ts', 'src/config/some.ts'],
    ['src/contracts/of-batching.ts', 'src/batching/some.ts'],
  ],
  'batching-imports-only-what-it-may': [['src/batching/of-contracts.ts', 'src/contracts/some.ts']],
  'config-imports-only-what-it-may': [['src/config/of-adapters.ts', 'src/adapters/redis/some.ts']],
  'adapters-imports-only-what-it-may': [
    ['src/adapters/redis/of-observability.ts', 'src/observability/some.ts'],
    ['src/adapters/jobs/of-workflows.ts', 'src/workflows/some.ts'],
  ],
  'observability-imports-only-what-it-may': [['src/observability/of-adapters.ts', 'src/adapters/redis/some.ts']],
  'bridge-imports-only-what-it-may': [['src/bridge/of-workflows.ts', 'src/workflows/some.ts']],
  'workflows-imports-only-what-it-may': [['src/workflows/of-api.ts', 'src/api/some.ts']],
  'api-imports-only-what-it-may': [['src/api/chat/of-bridge.ts', 'src/bridge/some.ts']],
  'main-imports-only-what-it-may': [['src/main/of-tools.ts', 'tools/some.ts']],
  'adapters-import-only-the-servers': [['src/adapters/answers/of-jobs.ts', 'src/adapters/jobs/some.ts']],
  'servers-know-no-product': [
    ['src/adapters/rabbitmq/of-redis.ts', 'src/adapters/redis/some.ts'],
    ['src/adapters/mongodb/of-redis.ts', 'src/adapters/redis/some.ts'],
  ],
  'adapters-make-no-http-bodies': [['src/adapters/jobs/of-bodies.ts', 'src/contracts/http/some.ts']],
  'api-speaks-to-no-store': [
    ['src/api/of-ioredis.ts', 'node_modules/ioredis/some.ts'],
    ['src/api/of-mongodb.ts', 'node_modules/mongodb/some.ts'],
    ['src/api/of-redis.ts', 'src/adapters/redis/some.ts'],
    ['src/api/of-mongodb-connection.ts', 'src/adapters/mongodb/some.ts'],
    ['src/api/auth/of-redis-store.ts', 'src/adapters/accounts/redis-account-store.ts'],
    ['src/api/chat/of-mongodb-documents.ts', 'src/adapters/conversations/mongodb/documents.ts'],
  ],
  'client-imports-only-contracts': [
    ['src/client/of-web.ts', 'src/web/chat/some.ts'],
    ['src/client/of-observability.ts', 'src/observability/some.ts'],
  ],
  'client-imports-only-types': [['src/client/of-contracts.ts', 'src/contracts/some.ts']],
  'client-needs-no-package': [['src/client/of-ioredis.ts', 'node_modules/ioredis/some.ts']],
  'web-imports-only-client-and-contracts': [['src/web/chat/of-api.ts', 'src/api/some.ts']],
  'web-imports-only-types': [['src/web/chat/of-contracts.ts', 'src/contracts/some.ts']],
  'pages-share-components': [
    ['src/web/chat/of-operations.ts', 'src/web/operations/some.ts'],
    ['src/web/components/of-chat.ts', 'src/web/chat/some.ts'],
  ],
  'no-cycles': [['src/api/chat/back.ts', 'src/api/chat/there.ts']],
  'tests-are-not-imported': [['tools/of-test.ts', 'test/some.ts']],
};

const allowedImports: [from: string, to: string][] = [
  ['src/adapters/jobs/of-redis.ts', 'src/adapters/redis/some.ts'],
  ['src/adapters/accounts/of-mongodb.ts', 'src/adapters/mongodb/some.ts'],
  ['src/adapters/jobs/of-jobs.ts', 'src/adapters/jobs/some.ts'],
  ['src/api/chat/of-adapters.ts', 'src/adapters/jobs/some.ts'],
  ['src/api/problem.ts', 'src/adapters/redis/reply-errors.ts'],
  ['src/adapters/jobs/of-contracts.ts', 'src/contracts/some.ts'],
  ['src/api/chat/of-bodies.ts', 'src/contracts/http/some.ts'],
  ['src/client/of-answer-text.ts', 'src/contracts/answer-text.ts'],
  ['src/web/chat/of-client.ts', 'src/client/some.ts'],
  ['src/web/chat/of-components.ts', 'src/web/components/some.ts'],
  ['src/main/of-bridge.ts', 'src/bridge/some.ts'],
  ['test/of-api.ts', 'src/api/some.ts'],
  // The other half of the cycle, which is reported once.
  ['src/api/chat/there.ts', 'src/api/chat/back.ts'],
];

/** Rules that allow the import of a type. */
const typesMay = ['client-imports-only-types', 'web-imports-only-types'];

/** A rule finds an import whichever way it is written. */
const waysToImport: [name: string, write: (file: string) => string][] = [
  ['a value', (file) => `import { some } from '${file}';\nexport const other = some;\n`],
  ['a type', (file) => `import type { Some } from '${file}';\nexport type Other = Some;\n`],
  ['exported at once', (file) => `export * from '${file}';\n`],
  ['awaited', (file) => `export const other = await import('${file}');\n`],
];

const tree = mkdtempSync(join(tmpdir(), 'healify-folder-rule-'));
beforeAll(() => copyFileSync(join(root, config), join(tree, config)));
afterAll(() => rmSync(tree, { recursive: true, force: true }));

test.each(waysToImport)('each rule finds the imports that it forbids, and no others: %s', (way, importOf) => {
  const imports = [...Object.values(forbiddenImports).flat(), ...allowedImports];
  for (const [from, to] of imports) {
    write(from, importOf(`./${relative(dirname(from), to)}`));
    if (!imports.some(([file]) => file === to)) write(to, 'export const some = 1;\nexport type Some = 1;\n');
  }
  const found = violations();
  for (const rule of rules) {
    const allowed = way === 'a type' && typesMay.includes(rule);
    expect([rule, found[rule]]).toEqual([rule, allowed ? undefined : forbiddenImports[rule]?.sort()]);
  }
});

function write(file: string, text: string): void {
  mkdirSync(dirname(join(tree, file)), { recursive: true });
  writeFileSync(join(tree, file), text);
}

/** What dependency-cruiser says of the tree, by rule. */
function violations(): Record<string, [from: string, to: string][]> {
  const { stdout } = spawnSync(
    process.execPath,
    [join(root, 'node_modules/.bin/depcruise'), '--config', config, '--output-type', 'json', 'src', 'tools', 'test'],
    { cwd: tree, encoding: 'utf8' },
  );
  const { summary } = JSON.parse(stdout) as {
    summary: { violations: { rule: { name: string }; from: string; to: string }[] };
  };
  const byRule = Object.groupBy(summary.violations, ({ rule }) => rule.name);
  return Object.fromEntries(
    Object.entries(byRule).map(([rule, found = []]) => [
      rule,
      found.map(({ from, to }): [string, string] => [from, to]).sort(),
    ]),
  );
}
