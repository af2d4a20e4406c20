// Plain JavaScript, because the machine's own Node runs it before any package is installed.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const NODE_MAJOR = 24;
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, 'node_modules');
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
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const { status } = spawnSync(npm, ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: 'inherit',
  });
  if (status !== 0) {
    console.error('npm ci failed; see above. It needs the npm registry to be reachable.');
    process.exit(status ?? 1);
  }
  console.log(`Packages installed in ${Math.round((Date.now() - startedAt) / 1000)} s.`);
}

const { stdout } = spawnSync(join(modules, '.bin', 'node'), ['--version'], { encoding: 'utf8' });
if (!(Number(/^v(\d+)/.exec(stdout ?? '')?.[1]) >= NODE_MAJOR)) {
  console.error(
    `Node ${NODE_MAJOR} comes along as the package "node", but its install script did not run (ignore-scripts?).\n` +
      `Run "npm ci --ignore-scripts=false", or use Node ${NODE_MAJOR} yourself.`,
  );
  process.exit(1);
}
