import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A file that a page loads. Its name changes with its content. */
export interface Asset {
  content: Buffer;
  /** The same content, compressed, by the name of the encoding as HTTP has it. */
  encoded: { br: Buffer; gzip: Buffer } | undefined;
}

/** The pages as `npm run build:web` has built them. */
export interface BuiltPages {
  /** The HTML of each page, by name. */
  html: ReadonlyMap<string, Buffer>;
  /** By name: the part of the address behind `/assets/`. */
  assets: ReadonlyMap<string, Asset>;
}

/**
 * Reads the built pages. They stay in memory, less than a megabyte, so that a new build cannot take away the files that
 * belong to the HTML of this one.
 * @param dir their folder
 * @returns without pages if they were not built
 */
export function readBuiltPages(dir: string): BuiltPages {
  const namesIn = (folder: string) => (existsSync(folder) ? readdirSync(folder) : []);
  const pages = namesIn(dir).filter((name) => name.endsWith('.html'));
  const folder = join(dir, 'assets');
  const names = new Set(namesIn(folder));
  const assets = [...names].filter((name) => !/\.(?:br|gz)$/.test(name));
  const read = (name: string) => readFileSync(join(folder, name));
  return {
    html: new Map(pages.map((name) => [name.slice(0, -'.html'.length), readFileSync(join(dir, name))])),
    assets: new Map(
      assets.map((name) => [
        name,
        {
          content: read(name),
          encoded: names.has(`${name}.gz`) ? { br: read(`${name}.br`), gzip: read(`${name}.gz`) } : undefined,
        },
      ]),
    ),
  };
}

/** Returns the name of the style sheet that a page loads; undefined if the page was not built. */
export const styleSheetOf = (pages: BuiltPages, page: string): string | undefined =>
  / href="\.\/assets\/([^"]+\.css)"/.exec(pages.html.get(page)?.toString() ?? '')?.[1];
