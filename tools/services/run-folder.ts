import { globSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isRunning } from './is-running.ts';

/**
 * Makes a folder in the system's one for temporary files, for the data of this process's servers. Removes those that
 * earlier runs of the same tool have left because they were killed.
 * @param tool such as `bench`; of letters only, so that no tool takes another one's folder for its own
 */
export function makeRunFolder(tool: string): string {
  const prefix = `healify-run-${tool}-`;
  for (const name of globSync(`${prefix}*`, { cwd: tmpdir() })) {
    const pid = /^(\d+)-/.exec(name.slice(prefix.length))?.[1];
    if (pid && !isRunning(Number(pid))) removeFolder(join(tmpdir(), name));
  }
  return mkdtempSync(join(tmpdir(), `${prefix}${process.pid}-`));
}

export const removeFolder = (path: string) => rmSync(path, { recursive: true, force: true });
