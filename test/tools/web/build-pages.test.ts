import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';

const folder = mkdtempSync(join(tmpdir(), 'pages-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('pages are built once, and npm start goes on in the environment that it had', () => {
  const dir = join(folder, 'web');
  const module = join(import.meta.dirname, '../../../tools/web/build-pages.ts');
  const script = `const { buildPages } = await import(${JSON.stringify(module)});
    const made = [await buildPages(${JSON.stringify(dir)}), await buildPages(${JSON.stringify(dir)})];
    console.log(JSON.stringify({ made, nodeEnv: process.env.NODE_ENV ?? null }));`;
  const { NODE_ENV: _, ...env } = process.env;
  // Vite does not run within Jest.
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], { env, encoding: 'utf8' });
  expect(JSON.parse(output.trim().split('\n').at(-1)!)).toEqual({ made: [true, false], nodeEnv: null });
  expect(existsSync(join(dir, 'operations.html'))).toBe(true);
});
