// Plain JavaScript, because the machine's own Node runs it before any package is installed.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const NODE_MAJOR = 24;
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, 'node_modules');
const nodePackage = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;

/** Runs npm in the project's folder, and returns its exit code; null if it could not be run. */
const npm = (...args) =>
  spawnSync(process.platform === 'win32' ? 'npm.cmd' : 'npm', [...args, '--loglevel=error'], {
    cwd: root,
    stdio: 'inherit',
  }).status;

/** The packages that a lock file lists, by path. An absent file lists none. */
const packagesIn = (file) =>
  existsSync(join(root, file)) ? JSON.parse(readFileSync(join(root, file), 'utf8')).packages : {};

/**
 * Compares package-lock.json with the list that npm keeps of what it has installed. Optional packages may be missing
 * there.
 */
function isInstalled() {
  const installed = packagesIn('node_modules/.package-lock.json');
  return Object.entries(packagesIn('package-lock.json')).every(
    ([path, { version, optional }]) => path === '' || optional || installed[path]?.version === version,
  );
}

if (!isInstalled()) {
  console.log('Installing packages (npm ci) ...');
  const startedAt = Date.now();
  const status = npm('ci', '--no-audit', '--no-fund');
  if (status !== 0) {
    console.error('npm ci failed; see above. It needs the npm registry to be reachable.');
    process.exit(status ?? 1);
  }
  console.log(`Packages installed in ${Math.round((Date.now() - startedAt) / 1000)} s.`);
}

// npm 10 leaves out the link to an optional package's program.
if (existsSync(join(modules, nodePackage)) && !existsSync(join(modules, '.bin', 'node'))) npm('rebuild', nodePackage);

const ours = spawnSync(join(modules, '.bin', 'node'), ['--version'], { encoding: 'utf8' });
const version = ours.stdout ?? process.version;
if (!(Number(/^v(\d+)/.exec(version)?.[1]) >= NODE_MAJOR)) {
  console.error(
    `This needs Node ${NODE_MAJOR}, and found ${version}. npm brings Node ${NODE_MAJOR} along for Linux and Windows. Install it yourself\n` +
      'on another system, or if npm was told to leave optional packages out.',
  );
  process.exit(1);
}
