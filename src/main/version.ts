import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';

/** The version in package.json, which is found both from the sources and from the build. */
export const version = (JSON.parse(readFileSync(findPackageJSON(import.meta.url)!, 'utf8')) as { version: string })
  .version;
