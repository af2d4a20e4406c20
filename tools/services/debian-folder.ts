import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { aptInstall } from './apt.ts';

/** A Debian in a folder: its programs run on this machine's kernel and network, with its own libraries. */
export interface DebianFolder {
  readonly path: string;
  /** The command line that runs one of its programs, which sees `dir` as we do. */
  commandLine(program: string, args: readonly string[], dir: string): [command: string, args: string[]];
}

/** The mounts exist in a mount namespace of the program's own, so they are gone when it ends. */
const WITHIN = `
root=$1 dir=$2; shift 2
mkdir -p "$root$dir"
mount --bind /proc "$root/proc"
mount --bind "$dir" "$root$dir"
PATH=/usr/sbin:/usr/bin:/sbin:/bin exec chroot "$root" "$@"
`;

/**
 * A Debian of this release with these packages; if there is none yet, it is made, which takes a minute or two.
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
  if (process.getuid?.() !== 0) throw new Error('A Debian in a folder can be made and run by root only.');
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
