import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { startGuarded } from './guarded-process.ts';

const root = join(import.meta.dirname, '../..');
const FOLDER = join(root, '.data/compile-cache');

/** Tells Node where it keeps compiled code. A process that finds it there starts sooner. */
export const withCompileCache = { NODE_COMPILE_CACHE: FOLDER } as const;

/**
 * Fills the folder if it does not exist. Node writes what it has compiled when a process exits, and most processes of tests are
 * killed. An api or a worker without settings exits as soon as it has loaded its modules.
 */
export async function fillCompileCache(): Promise<void> {
  if (existsSync(FOLDER)) return;
  const env = { PATH: process.env.PATH, ...withCompileCache };
  const files = ['api', 'worker'].map((name) => join(root, `src/main/${name}.ts`));
  const processes = await Promise.all(files.map((file) => startGuarded(process.execPath, [file], { env })));
  await Promise.all(processes.map(({ exited }) => exited));
}
