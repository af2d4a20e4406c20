import { findPackageJSON } from 'node:module';
import { dirname, join } from 'node:path';
import type { Logger } from 'pino';
import { type BuiltPages, readBuiltPages } from '../../api/pages/built-pages.ts';

/** Reads the built pages, which are in the same place for the sources and for the compiled product. */
export function readPages(logger: Logger): BuiltPages {
  const pages = readBuiltPages(join(dirname(findPackageJSON(import.meta.url)!), 'dist/web'));
  if (pages.html.size === 0)
    logger.warn('the pages are not built, so /admin is not there: npm run build:web builds them');
  return pages;
}
