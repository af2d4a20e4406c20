import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packagesOf, readLockFile } from './lock-file.ts';
import { licenceOf } from './problems.ts';

const HELP = `Writes which packages of npm the product needs to run, from package-lock.json:

  npm run sbom

  .data/supply-chain/sbom.cdx.json    the bill of materials, in CycloneDX's format
  .data/supply-chain/licences.csv     each package, its version and its licence
`;

const root = join(import.meta.dirname, '../..');
const folder = join(root, '.data/supply-chain');

if (process.argv.includes('--help')) {
  process.stdout.write(HELP);
} else {
  mkdirSync(folder, { recursive: true });
  const sbom = execFileSync('npm', ['sbom', '--package-lock-only', '--omit=dev', '--sbom-format=cyclonedx'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  writeFileSync(join(folder, 'sbom.cdx.json'), sbom);
  const shipped = packagesOf(readLockFile()).filter(({ entry }) => !entry.dev);
  const rows = shipped.map(({ name, entry }) => `${name},${entry.version},${licenceOf(name, entry)}`);
  writeFileSync(join(folder, 'licences.csv'), `${['package,version,licence', ...rows.sort()].join('\n')}\n`);
  console.log(`.data/supply-chain has sbom.cdx.json and licences.csv, with ${rows.length} packages.`);
}
