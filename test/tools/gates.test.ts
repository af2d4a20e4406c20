import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { settings } from '../../src/config/schema.ts';
import type { Setting } from '../../src/config/setting.ts';

const root = join(import.meta.dirname, '../..');
const copy = mkdtempSync(join(tmpdir(), 'healify-gates-'));
beforeAll(() => {
  for (const part of ['src', 'tools', 'docs', 'package.json']) {
    cpSync(join(root, part), join(copy, part), { recursive: true });
  }
  cpSync(join(root, '.env.example'), join(copy, '.env.example'));
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
  const file = join(copy, 'docs/configuration.md');
  const text = readFileSync(file, 'utf8');
  writeFileSync(file, text.replace('`API_PORT`', '`PORT`'));
  expect(await check()).not.toBe(0);
  writeFileSync(file, text);
});

test('docker-compose.yml passes every setting on to the process that reads it', () => {
  const compose = readFileSync(join(root, 'docker-compose.yml'), 'utf8');
  const all = Object.values(settings).flatMap((group) => Object.values<Setting>(group));
  // What the containers' own ports and addresses are is the file's to say.
  const fixed = /_PORT$|^HOST$/;
  for (const process of ['api', 'worker'] as const) {
    const list = new RegExp(`^x-${process}-settings:[^\\n]*\\n((?:  .*\\n)+)`, 'm').exec(compose)?.[1] ?? '';
    const service = new RegExp(`^  ${process}:\\n((?:    .*\\n|\\n)+)`, 'm').exec(compose)?.[1] ?? '';
    for (const { env, readBy } of all) {
      if (!readBy.includes(process) || fixed.test(env)) continue;
      expect({ env, process, passed: new RegExp(`^ +${env}:`, 'm').test(list + service) }).toEqual({
        env,
        process,
        passed: true,
      });
    }
  }
});
