import { readdirSync, readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';
import { dirname, join } from 'node:path';

/**
 * Reads all runbooks, by the name of their file. They are found both from the sources and from the build. Alerts lead to
 * them, and whoever reads one at night should not need the repository for it.
 */
export function readRunbooks(): ReadonlyMap<string, string> {
  const folder = join(dirname(findPackageJSON(import.meta.url)!), 'docs/runbooks');
  return new Map(readdirSync(folder).map((file) => [file, readFileSync(join(folder, file), 'utf8')]));
}
