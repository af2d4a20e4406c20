import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** The packages, with the hash of each. `uv pip compile --universal --python-version 3.11 --generate-hashes` has written it. */
const REQUIREMENTS = join(import.meta.dirname, 'requirements.txt');
const DATA = join(import.meta.dirname, '../../.data');
const INSTALL_TIMEOUT_MS = 180_000;

/**
 * Installs schemathesis into `.data`, unless it is there.
 * @returns its Python, or why it cannot be installed here
 */
export async function installSchemathesis(): Promise<{ python: string } | { why: string }> {
  const version = createHash('sha256').update(readFileSync(REQUIREMENTS)).digest('hex').slice(0, 12);
  const folder = join(DATA, `schemathesis-${version}`);
  const python = join(folder, 'bin/python');
  if (existsSync(folder)) return { python };
  const own = `${folder}-of-${process.pid}`;
  const run = promisify(execFile);
  const options = { timeout: INSTALL_TIMEOUT_MS };
  try {
    await run('python3', ['-m', 'venv', own], options);
    const requirements = ['--require-hashes', '--only-binary', ':all:', '-r', REQUIREMENTS];
    await run(join(own, 'bin/python'), ['-m', 'pip', 'install', '--quiet', ...requirements], options);
  } catch (error) {
    rmSync(own, { recursive: true, force: true });
    return { why: (error as Error).message.trim().split('\n').at(-1)! };
  }
  // Another run may have installed it meanwhile.
  if (!existsSync(folder)) renameSync(own, folder);
  else rmSync(own, { recursive: true });
  return { python };
}
