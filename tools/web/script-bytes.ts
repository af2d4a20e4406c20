import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** What Vite says of a built file; see https://vite.dev/guide/backend-integration */
interface BuiltFile {
  file: string;
  /** Keys of the manifest. */
  imports?: string[];
  dynamicImports?: string[];
}

/**
 * Returns how many bytes of script a page loads in all, sooner or later, compressed with gzip.
 * @param dir the folder of the built pages
 */
export function scriptBytes(dir: string, page: string): number {
  const manifest = JSON.parse(readFileSync(join(dir, 'manifest.json'), 'utf8')) as Record<string, BuiltFile>;
  const loaded = new Set<string>();
  const load = (key: string) => {
    if (loaded.has(key)) return;
    loaded.add(key);
    const { imports = [], dynamicImports = [] } = manifest[key]!;
    for (const other of [...imports, ...dynamicImports]) load(other);
  };
  load(`${page}.html`);
  return [...loaded].reduce((sum, key) => sum + statSync(join(dir, `${manifest[key]!.file}.gz`)).size, 0);
}
