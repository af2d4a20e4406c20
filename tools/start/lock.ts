import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isRunning } from '../services/is-running.ts';

/** Whether `npm start` runs on this data folder. */
export function isInUse(dataDir: string): boolean {
  const file = join(dataDir, 'lock');
  return existsSync(file) && isRunning(Number(readFileSync(file, 'utf8')));
}

/**
 * Claims the data folder for this process.
 * @returns a function that releases it
 * @throws Error another `npm start` uses it
 */
export function lockDataDir(dataDir: string): () => void {
  const file = join(dataDir, 'lock');
  for (;;) {
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx' });
      return () => rmSync(file, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const holder = Number(readFileSync(file, 'utf8'));
    if (isRunning(holder)) {
      throw new Error(
        `npm start runs already (process ${holder}) on ${dataDir}.\n` +
          `Stop it first, or use another folder: npm start -- --data DIR. If no such process runs, delete ${file}.`,
      );
    }
    rmSync(file, { force: true });
  }
}
