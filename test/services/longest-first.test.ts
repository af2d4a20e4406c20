import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { LONG_FILES } from './longest-first.ts';

test('every file that is known to take long is there', () => {
  const root = join(import.meta.dirname, '../..');
  expect(Object.keys(LONG_FILES).filter((file) => !existsSync(join(root, file)))).toEqual([]);
});
