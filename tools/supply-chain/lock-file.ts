import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A package as package-lock.json has it, of lock file version 3. */
export interface LockedPackage {
  version: string;
  /** The hash of the package's archive; npm refuses any other. */
  integrity?: string;
  /** An SPDX expression, as the package says it. */
  license?: string;
  /** true: it is not in the image. */
  dev?: boolean;
}

export interface LockFile {
  /** By path, such as `node_modules/a/node_modules/b`. '' is the project itself. */
  packages: Record<string, LockedPackage>;
}

const PATH = join(import.meta.dirname, '../../package-lock.json');

export const readLockFile = () => JSON.parse(readFileSync(PATH, 'utf8')) as LockFile;
export const writeLockFile = (lock: LockFile) => writeFileSync(PATH, `${JSON.stringify(lock, null, 2)}\n`);

/** The packages without the project itself, each with its name. */
export const packagesOf = (lock: LockFile) =>
  Object.entries(lock.packages)
    .filter(([path]) => path !== '')
    .map(([path, entry]) => ({ name: path.replace(/^.*node_modules\//, ''), entry }));
