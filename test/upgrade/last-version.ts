import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';

const OURS = join(import.meta.dirname, '../..');
/** Names the commit that was released last. A release changes it. */
const { commit } = JSON.parse(readFileSync(join(import.meta.dirname, 'last-version.json'), 'utf8')) as {
  commit: string;
};
const INSTALL_TIMEOUT_MS = 300_000;

/**
 * Brings the version that was released last into a folder of `.data`, from the history of this clone.
 * @returns its folder; or why there is none, for example because the clone is shallow
 */
export function takeLastVersion(): { root: string } | { why: string } {
  const root = join(OURS, '.data/last-version', commit);
  if (existsSync(root)) return { root };
  // Others may be doing the same at this moment. A rename shows the folder only when it is complete.
  const unfinished = `${root}.${randomUUID()}`;
  mkdirSync(unfinished, { recursive: true });
  const archive = spawnSync(
    'git',
    ['archive', '--format=tar', commit, 'package.json', 'package-lock.json', 'src', 'docs'],
    {
      cwd: OURS,
      maxBuffer: 2 ** 28,
    },
  );
  if (archive.status !== 0) return { why: `this clone does not have the commit ${commit} (git fetch --unshallow)` };
  spawnSync('tar', ['-x', '-C', unfinished], { input: archive.stdout });
  // Node looks for packages in the folders above, and so finds ours there.
  if (!hasOurPackages(unfinished)) {
    const install = spawnSync('npm', ['ci', '--omit=dev', '--no-audit', '--no-fund'], {
      cwd: unfinished,
      encoding: 'utf8',
      timeout: INSTALL_TIMEOUT_MS,
    });
    if (install.status !== 0) return { why: `its packages cannot be installed: ${install.stderr.slice(-300)}` };
  }
  try {
    renameSync(unfinished, root);
  } catch (error) {
    if (!existsSync(root)) throw error;
  }
  return { root };
}

interface Lock {
  packages: Record<string, { version?: string; dev?: boolean; integrity?: string }>;
}

/** Whether every package that the last version needs is installed here, in the same version. */
function hasOurPackages(root: string): boolean {
  const lockOf = (folder: string) =>
    (JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8')) as Lock).packages;
  const ours = lockOf(OURS);
  return Object.entries(lockOf(root)).every(
    ([path, { dev, integrity }]) => path === '' || dev || ours[path]?.integrity === integrity,
  );
}
