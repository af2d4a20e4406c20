import { globSync, mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const NAME = 'healify-test-';

/**
 * Makes the folder for the data of this run's servers, and removes those that earlier runs have left because they were
 * killed.
 */
export function makeRunFolder(): string {
  for (const name of globSync(`${NAME}*`, { cwd: tmpdir() })) {
    const pid = Number(name.slice(NAME.length));
    if (!isRunning(pid)) removeFolder(join(tmpdir(), name));
  }
  const folder = join(tmpdir(), `${NAME}${process.pid}`);
  removeFolder(folder);
  mkdirSync(folder);
  return folder;
}

export const removeFolder = (path: string) => rmSync(path, { recursive: true, force: true });

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
