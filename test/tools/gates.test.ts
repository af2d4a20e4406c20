import { execFile, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { DECIDED_BY_COMPOSE } from '../../tools/generate/compose-settings.ts';
import { settingGroups } from '../../tools/generate/setting-groups.ts';

const root = join(import.meta.dirname, '../..');
const copy = mkdtempSync(join(tmpdir(), 'healify-gates-'));
beforeAll(() => {
  for (const part of ['src', 'tools', 'bench', 'dashboards', 'deploy', 'docs', 'package.json']) {
    cpSync(join(root, part), join(copy, part), { recursive: true });
  }
  for (const file of ['.env.example', 'docker-compose.yml', '.luacheckrc']) cpSync(join(root, file), join(copy, file));
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
});
afterAll(() => rmSync(copy, { recursive: true, force: true }));

/** Runs a check on the copy. */
const run = (...args: string[]) =>
  new Promise<{ code: number; said: string }>((resolve) =>
    execFile(process.execPath, args, { cwd: copy }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, said: stdout + stderr }),
    ),
  );

test('a generated file that was edited by hand, or forgotten, is noticed', async () => {
  const check = () => run('tools/generate.ts', '--check');
  expect((await check()).code).toBe(0);
  const edits = [
    ['docs/configuration.md', '`API_PORT`', '`PORT`'],
    ['docker-compose.yml', '  HISTORY_RETENTION:\n', ''],
    ['deploy/redis/users.acl', '-@all', '+@all'],
    ['deploy/rabbitmq/definitions.json', '^(chat_requests)$', '.*'],
  ] as const;
  for (const [name, from, to] of edits) {
    const file = join(copy, name);
    writeFileSync(file, readFileSync(file, 'utf8').replace(from, to));
  }
  const { code, said } = await check();
  expect(code).toBe(1);
  for (const [name] of edits) expect(said).toContain(name);
});

test('docker-compose.yml sets, at the services that read them, the settings that it does not pass on', () => {
  const compose = readFileSync(join(root, 'docker-compose.yml'), 'utf8');
  const all = settingGroups.flatMap((group) => group.settings);
  const { atTheService, inOtherFiles, keepTheirDefaults } = DECIDED_BY_COMPOSE;
  const others = ['production', 'tls'].map((name) => readFileSync(join(root, `docker-compose.${name}.yml`), 'utf8'));
  for (const env of inOtherFiles) expect(others.join('\n')).toMatch(new RegExp(`^      ${env}(_FILE)?: `, 'm'));
  for (const env of [...atTheService, ...keepTheirDefaults]) {
    const { readBy } = all.find((setting) => setting.env === env)!;
    for (const process of readBy) {
      const service = new RegExp(`^  ${process}:\\n((?:    .*\\n|\\n)+)`, 'm').exec(compose)?.[1] ?? '';
      const set = new RegExp(`^      ${env}: `, 'm').test(service);
      expect({ env, process, set }).toEqual({ env, process, set: atTheService.includes(env) });
    }
  }
});

// The check leaves itself out where luacheck is neither installed nor to be had.
const testWithLuacheck = spawnSync('luacheck', ['--version']).status === 0 ? test : test.skip;

testWithLuacheck(
  'a fault in a Redis script is reported at its place, also where it is in an included file',
  async () => {
    const scripts = 'src/adapters/conversations/redis-scripts';
    const edits: Record<string, (text: string) => string> = {
      [`${scripts}/begin-turn.lua`]: (text) => text.replace(/^--\[\[\n/, '--[[ '),
      [`${scripts}/confirm-turn.lua`]: (text) => `${text}misspelt()\n`,
      [`${scripts}/session-seen.lua`]: (text) => `${text}unheardOf()\n`,
      [`${scripts}/alone.lua`]: () => '--[[\n  Nothing defines it.\n]]\n',
    };
    expect(await run('tools/check/redis-scripts.ts')).toEqual({ code: 0, said: '' });
    for (const [name, edit] of Object.entries(edits)) {
      const file = join(copy, name);
      writeFileSync(file, edit(existsSync(file) ? readFileSync(file, 'utf8') : ''));
    }
    const { code, said } = await run('tools/check/redis-scripts.ts');
    expect(code).toBe(1);
    const problems = said.trim().split('\n').sort();
    expect(problems).toEqual([
      `${scripts}/alone.lua: is neither included by a script nor defined by alone.ts beside it`,
      `${scripts}/begin-turn.lua: does not begin with a comment`,
      expect.stringMatching(/confirm-turn\.lua:\d+:1: .*undefined variable 'misspelt'/),
      expect.stringMatching(/session-seen\.lua:\d+:1: .*undefined variable 'unheardOf'/),
    ]);
  },
);
