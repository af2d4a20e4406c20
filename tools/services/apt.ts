import { spawnSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';

const POLICY = '/usr/sbin/policy-rc.d';

/** Whether packages can be installed here without asking for a password. */
export function canInstall(): boolean {
  return existsSync('/usr/bin/apt-get') && (process.getuid?.() === 0 || spawnSync('sudo', ['-n', 'true']).status === 0);
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
