import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { aptInstall } from './apt.ts';

/** A Debian in a folder. Its programs use this machine's kernel and network, and their own libraries. */
export interface DebianFolder {
  readonly path: string;
  /** Returns the command line for one of its programs. The program sees `dir` as we do. */
  commandLine(program: string, args: readonly string[], dir: string): [command: string, args: string[]];
}

/** The mounts exist only in the program's own mount namespace, so they are gone when it ends. */
const WITHIN = `
root=$1 dir=$2; shift 2
mkdir -p "$root$dir"
mount --bind /proc "$root/proc"
mount --bind "$dir" "$root$dir"
PATH=/usr/sbin:/usr/bin:/sbin:/bin exec chroot "$root" "$@"
`;

/**
 * Returns a Debian of this release with these packages. If there is none yet, makes it, which takes a minute or two.
 * @throws Error it cannot be made
 */
export function debianFolder(path: string, release: string, packages: readonly string[]): DebianFolder {
  if (!existsSync(path)) make(path, release, packages);
  return {
    path,
    commandLine: (program, args, dir) => [
      'unshare',
      ['--mount', 'sh', '-c', WITHIN, 'within', path, dir, program, ...args],
    ],
  };
}

function make(path: string, release: string, packages: readonly string[]): void {
  if (process.getuid?.() !== 0) throw new Error('Only root can make and run a Debian in a folder.');
  process.stdout.write(`making a Debian "${release}" with ${packages.join(', ')} in ${path} ...\n`);
  if (spawnSync('debootstrap', ['--version']).status !== 0) aptInstall(['debootstrap', 'debian-archive-keyring']);
  const unfinished = `${path}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(dirname(path), { recursive: true });
  const args = ['--variant=minbase', `--include=${packages.join(',')}`, release, unfinished];
  const { status, stdout, stderr } = spawnSync('debootstrap', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`debootstrap failed:\n${`${stdout}${stderr}`.slice(-2000)}`);
  renameSync(unfinished, path);
}
