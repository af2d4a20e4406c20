import { createHash } from 'node:crypto';
import { globSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');
/** Where the built pages are. The api serves them from here. */
export const PAGES_DIR = join(root, 'dist/web');
/** This file names the sources from which the pages beside it were built. */
const MADE_FROM = 'made-from';

/**
 * Builds the pages, unless they are there and their sources have not changed.
 * @param dir where they are to be
 * @returns whether they had to be built
 */
export async function buildPages(dir = PAGES_DIR): Promise<boolean> {
  const sources = fingerprintOfSources();
  if (madeFrom(dir) === sources) return false;
  const nodeEnv = process.env.NODE_ENV;
  // Another process may build at the same time, so each builds in a folder of its own.
  const building = `${dir}-${process.pid}`;
  try {
    const [{ build }, { viteConfig }] = await Promise.all([import('vite'), import('./vite-config.ts')]);
    await build(viteConfig(building));
    writeFileSync(join(building, MADE_FROM), sources);
    move(building, dir, sources);
  } finally {
    // Vite sets it to `production`, and what our caller starts next would inherit that.
    if (nodeEnv === undefined) delete process.env.NODE_ENV;
    else process.env.NODE_ENV = nodeEnv;
    rmSync(building, { recursive: true, force: true });
  }
  return true;
}

function move(building: string, dir: string, sources: string): void {
  rmSync(dir, { recursive: true, force: true });
  try {
    renameSync(building, dir);
  } catch (error) {
    // Another process may have moved its folder there first, with the same content.
    if (madeFrom(dir) !== sources) throw error;
  }
}

function madeFrom(dir: string): string | undefined {
  try {
    return readFileSync(join(dir, MADE_FROM), 'utf8');
  } catch {
    return undefined;
  }
}

function fingerprintOfSources(): string {
  const hash = createHash('sha256');
  const files = globSync(['src/web/**/*.*', 'tools/web/*.ts', 'package-lock.json'], { cwd: root }).sort();
  for (const file of files) hash.update(`${file}\n`).update(readFileSync(join(root, file)));
  return hash.digest('hex');
}
