import { spawnSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';

const POLICY = '/usr/sbin/policy-rc.d';

/** Whether packages can be installed here without asking for a password. */
export function canInstall(): boolean {
  return existsSync('/usr/bin/apt-get') && (process.getuid?.() === 0 || spawnSync('sudo', ['-n', 'true']).status === 0);
}

/**
 * Installs Debian packages that this machine lacks, and says so.
 * @param options.otherWays what also helps where they cannot be installed, a line each
 * @param options.doing shows what is being done, and returns what to call when it is done
 * @throws Error they cannot be installed here; it says what the user can do
 */
export function installMissing(
  packages: readonly string[],
  options: { otherWays?: readonly string[]; doing?: (what: string) => () => void } = {},
): void {
  const { otherWays = [], doing = sayOnly } = options;
  if (packages.length === 0) return;
  const names = packages.join(' and ');
  if (!canInstall()) {
    const ways = [
      `install ${names} (macOS: brew install ${packages.map((name) => name.replace('-server', '')).join(' ')})`,
      ...otherWays,
      'on Debian or Ubuntu, run this as root or with passwordless sudo: then it installs them itself',
    ];
    throw new Error(
      `${names} cannot be found here. Any of these helps:\n${ways.map((way) => `  - ${way}`).join('\n')}`,
    );
  }
  const done = doing(`installing ${names} with apt-get (once; their own services stay off)`);
  aptInstall(packages);
  done();
}

function sayOnly(what: string): () => void {
  process.stdout.write(`${what}\n`);
  return () => {};
}

/**
 * Installs Debian packages without starting their daemons: /usr/sbin/policy-rc.d forbids that while apt runs.
 * @throws Error with the end of apt's output
 */
export function aptInstall(packages: readonly string[]): void {
  const asRoot = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  const run = (...command: string[]) => {
    const [program, ...args] = [...asRoot, 'env', 'DEBIAN_FRONTEND=noninteractive', ...command];
    const { status, stdout, stderr } = spawnSync(program!, args, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`${command.join(' ')} failed:\n${`${stdout}${stderr}`.slice(-2000)}`);
  };
  const forbids = process.getuid?.() === 0 && !existsSync(POLICY);
  if (forbids) writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    run('apt-get', 'update', '-qq');
    run('apt-get', 'install', '-y', '-qq', '--no-install-recommends', ...packages);
  } finally {
    if (forbids) rmSync(POLICY);
  }
}
