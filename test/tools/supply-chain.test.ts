import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { problemsOf } from '../../tools/supply-chain/problems.ts';

const problems = (name: string, entry: object) =>
  problemsOf({
    packages: { '': { version: '1' }, [`node_modules/a/node_modules/${name}`]: { version: '1.2.3', ...entry } },
  });
const integrity = 'sha512-abc';

test('a package without a hash is found, and the command that mends it is named', () => {
  expect(problems('left-pad', { license: 'MIT' })).toEqual([
    'left-pad 1.2.3 has no integrity hash, so npm takes any archive: run "npm run lock".',
  ]);
});

test.each([
  [{ license: 'MIT' }, []],
  [{ license: '(MIT OR GPL-3.0)' }, []],
  [{ license: 'MIT AND GPL-3.0' }, ['p has the licence MIT AND GPL-3.0, which is not allowed in the image.']],
  [{ license: 'MPL-2.0' }, ['p has the licence MPL-2.0, which is not allowed in the image.']],
  [{ license: 'MPL-2.0', dev: true }, []],
  [{ license: 'AGPL-3.0', dev: true }, ['p has the licence AGPL-3.0, which is not allowed for a tool.']],
  [{}, ['p names no licence: read its licence file, and add it to tools/supply-chain/problems.ts.']],
])('of the licence in %j it says %j', (entry, expected) => {
  expect(problems('p', { integrity, ...entry })).toEqual(expected);
});

test('a scoped package is named whole', () => {
  expect(problems('@a/b', { integrity, license: 'UNKNOWN' })[0]).toMatch(/^@a\/b has/);
});

const fileOf = (name: string) => readFileSync(join(import.meta.dirname, '../..', name), 'utf8');

test('each package that is locked has a hash and a licence that is allowed', () => {
  expect(problemsOf(JSON.parse(fileOf('package-lock.json')))).toEqual([]);
});

test('no package may run a script when it is installed, here and in the image', () => {
  expect(fileOf('.npmrc')).toMatch(/^ignore-scripts=true$/m);
  const steps = fileOf('Dockerfile').split('\n');
  const [copied, installed] = [/^COPY .*\.npmrc/, /^RUN npm ci/].map((step) =>
    steps.findIndex((line) => step.test(line)),
  );
  expect(copied).toBeGreaterThan(0);
  expect(installed).toBeGreaterThan(copied!);
});
