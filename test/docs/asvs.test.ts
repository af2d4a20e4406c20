import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

/** The numbers of the requirements of OWASP ASVS 5.0.0 at levels 1 and 2, by section, such as "1.2". */
const sections = JSON.parse(readFileSync(join(import.meta.dirname, 'asvs-5.0-levels-1-and-2.json'), 'utf8')) as Record<
  string,
  number[]
>;
const lines = readFileSync(join(import.meta.dirname, '../../docs/asvs.md'), 'utf8').split('\n');
const cellsOf = (line: string) =>
  line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());

test('each requirement stands once in the table, or among those that do not apply', () => {
  const listed = lines
    .flatMap((line) => cellsOf(line)[0]?.split(', ') ?? [])
    .filter((id) => /^\d+\.\d+\.\d+$/.test(id));
  const all = Object.entries(sections).flatMap(([section, numbers]) => numbers.map((number) => `${section}.${number}`));
  expect(listed.sort()).toEqual(all.sort());
});

test('each requirement that applies says what is done, and what shows it', () => {
  const applying = lines.slice(0, lines.indexOf('## What does not apply'));
  const rows = applying.filter((line) => /^\| \d+\.\d+\.\d+ \|/.test(line)).map(cellsOf);
  expect(rows.length).toBeGreaterThan(150);
  for (const row of rows) {
    expect(row).toHaveLength(4);
    for (const cell of row) expect(cell).not.toBe('');
  }
});

test.each([
  ['starts a program', /child_process/],
  ['runs text as code', /(?<!redis\.)\beval\(|new Function\(/],
  ['makes HTML of text', /innerHTML/i],
  ['reads HTTP leniently', /insecureHTTPParser/],
  ['takes any certificate', /rejectUnauthorized|NODE_TLS_REJECT_UNAUTHORIZED/],
])('no source of api, worker and pages %s', (_, pattern) => {
  const src = join(import.meta.dirname, '../../src');
  const files = globSync('**/*.{ts,tsx}', { cwd: src });
  expect(files.length).toBeGreaterThan(300);
  expect(files.filter((file) => pattern.test(readFileSync(join(src, file), 'utf8')))).toEqual([]);
});
