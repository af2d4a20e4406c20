import { execFileSync } from 'node:child_process';
import { packagesOf, readLockFile, writeLockFile } from './lock-file.ts';

const HELP = `Asks the npm registry for the hashes that package-lock.json lacks, and writes them into it.

  npm run lock

npm leaves out the hashes of packages for other systems than this one. Run this after each change of the packages.
`;

if (process.argv.includes('--help')) {
  process.stdout.write(HELP);
} else {
  const lock = readLockFile();
  const incomplete = packagesOf(lock).filter(({ entry }) => !entry.integrity);
  for (const { name, entry } of incomplete) {
    process.stdout.write(`${name} ${entry.version} ...\n`);
    entry.integrity = execFileSync('npm', ['view', `${name}@${entry.version}`, 'dist.integrity'], {
      encoding: 'utf8',
    }).trim();
  }
  writeLockFile(lock);
  console.log(`${incomplete.length} hashes added.`);
}
