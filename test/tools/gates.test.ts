import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { DECIDED_BY_COMPOSE } from '../../tools/generate/compose-settings.ts';
import { settingGroups } from '../../tools/generate/setting-groups.ts';

const root = join(import.meta.dirname, '../..');
const copy = mkdtempSync(join(tmpdir(), 'healify-gates-'));
beforeAll(() => {
  for (const part of ['src', 'tools', 'docs', 'package.json']) {
    cpSync(join(root, part), join(copy, part), { recursive: true });
  }
  for (const file of ['.env.example', 'docker-compose.yml']) cpSync(join(root, file), join(copy, file));
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
});
afterAll(() => rmSync(copy, { recursive: true, force: true }));

test('a generated file that was edited by hand, or forgotten, is noticed', async () => {
  const check = () =>
    new Promise<number>((resolve) =>
      execFile(process.execPath, ['tools/generate.ts', '--check'], { cwd: copy }, (error) =>
        resolve(error ? Number(error.code) : 0),
      ),
    );
  expect(await check()).toBe(0);
  const edits = [
    ['docs/configuration.md', '`API_PORT`', '`PORT`'],
    ['docker-compose.yml', '  HISTORY_RETENTION:\n', ''],
  ] as const;
  for (const [name, from, to] of edits) {
    const file = join(copy, name);
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.replace(from, to));
    expect(await check()).not.toBe(0);
    writeFileSync(file, text);
  }
});

test('docker-compose.yml sets, at the services that read them, the settings that it does not pass on', () => {
  const compose = readFileSync(join(root, 'docker-compose.yml'), 'utf8');
  const all = settingGroups.flatMap((group) => group.settings);
  const { atTheService, keepTheirDefaults } = DECIDED_BY_COMPOSE;
  for (const env of [...atTheService, ...keepTheirDefaults]) {
    const { readBy } = all.find((setting) => setting.env === env)!;
    for (const process of readBy) {
      const service = new RegExp(`^  ${process}:\\n((?:    .*\\n|\\n)+)`, 'm').exec(compose)?.[1] ?? '';
      const set = new RegExp(`^      ${env}: `, 'm').test(service);
      expect({ env, process, set }).toEqual({ env, process, set: atTheService.includes(env) });
    }
  }
});
