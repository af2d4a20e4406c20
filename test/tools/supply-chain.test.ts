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
