import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';

const mayInstall = existsSync('/usr/bin/apt-get') && process.getuid?.() === 0;
const testWithApt = mayInstall ? test : test.skip;
const module = join(import.meta.dirname, '../../../tools/services/programs.ts');

/** All programs of a machine without Redis. */
let bin: string;

beforeAll(() => {
  bin = mkdtempSync(join(tmpdir(), 'healify-programs-'));
  symlinkSync('/usr/bin/env', join(bin, 'env'));
  const apt = `#!/bin/sh
echo "apt: $*" >>${bin}/calls
[ "$1" = install ] && /bin/ln -s /bin/true ${bin}/redis-server
exit 0
`;
  writeFileSync(join(bin, 'apt-get'), apt, { mode: 0o755 });
});
afterAll(() => rmSync(bin, { recursive: true }));

const serverProgram = () =>
  spawnSync(
    process.execPath,
    ['--input-type=module', '-e', `console.log((await import('${module}')).serverProgram('redisServer').program)`],
    { env: { PATH: bin }, encoding: 'utf8' },
  );

testWithApt('whoever starts a server that is missing gets it installed, once, and reads that it is', () => {
  const { stdout, stderr } = serverProgram();
  expect(stderr).toBe('');
  expect(stdout).toMatch(/^installing redis-server with apt-get .*\nredis-server\n$/);
  expect(serverProgram().stdout).toBe('redis-server\n');
});
