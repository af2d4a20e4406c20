import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { makeRunFolder, removeFolder } from '../../../tools/services/run-folder.ts';

test('a run removes what a killed run of the same tool has left, and nothing else', () => {
  const ended = spawnSync(process.execPath, ['--version']).pid;
  const left = mkdtempSync(join(tmpdir(), `healify-run-example-${ended}-`));
  const ofOtherTool = mkdtempSync(join(tmpdir(), `healify-run-example2-${ended}-`));
  const first = makeRunFolder('example');
  const second = makeRunFolder('example');
  try {
    expect(existsSync(left)).toBe(false);
    for (const folder of [ofOtherTool, first, second]) expect(existsSync(folder)).toBe(true);
  } finally {
    for (const folder of [left, ofOtherTool, first, second]) removeFolder(folder);
  }
});
