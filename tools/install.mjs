// Plain JavaScript for the machine's own Node: runs before there is anything else.
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const NODE_MAJOR = 24;
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, 'node_modules');
const installedAt = (file) => (existsSync(join(root, file)) ? statSync(join(root, file)).mtimeMs : 0);

if (installedAt('node_modules/.package-lock.json') < installedAt('package-lock.json')) {
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
