import { type LockedPackage, type LockFile, packagesOf } from './lock-file.ts';

/** Licences that let us ship a package in the image with its notice, and ask nothing of our own code. */
const SHIPPED = ['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT', 'MIT-0'];
/** Licences of tools that we run and do not ship. */
const TOOLS = [...SHIPPED, 'BlueOak-1.0.0', 'CC-BY-4.0', 'CC0-1.0', 'MPL-2.0', 'Unlicense'];

/** Packages that name no licence in package.json. Their licence files were read. */
const READ_IN_LICENCE_FILES: Readonly<Record<string, string>> = {
  buildcheck: 'MIT',
  'cpu-features': 'MIT',
  'passport-strategy': 'MIT',
  pause: 'MIT',
  ssh2: 'MIT',
};

export const licenceOf = (name: string, { license }: LockedPackage) => license ?? READ_IN_LICENCE_FILES[name];

/** Returns what is wrong with the packages that the lock file lists, one sentence each. */
export function problemsOf(lock: LockFile): string[] {
  return packagesOf(lock).flatMap(({ name, entry }) => {
    const problems: string[] = [];
    if (!entry.integrity) {
      problems.push(`${name} ${entry.version} has no integrity hash, so npm takes any archive: run "npm run lock".`);
    }
    const licence = licenceOf(name, entry);
    if (!licence) {
      problems.push(`${name} names no licence: read its licence file, and add it to tools/supply-chain/problems.ts.`);
    } else if (!allows(licence, entry.dev ? TOOLS : SHIPPED)) {
      problems.push(
        `${name} has the licence ${licence}, which is not allowed ${entry.dev ? 'for a tool' : 'in the image'}.`,
      );
    }
    return problems;
  });
}

/** Whether the licences are enough for an SPDX expression of `AND` or of `OR`; a mixture is not understood. */
function allows(expression: string, licences: readonly string[]): boolean {
  const plain = expression.replaceAll(/[()]/g, '');
  if (plain.includes(' OR ')) return plain.split(' OR ').some((one) => licences.includes(one));
  return plain.split(' AND ').every((one) => licences.includes(one));
}
