import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type GuardedProcess, startGuarded } from './guarded-process.ts';
import { onFreePorts } from './on-free-ports.ts';
import { startOneProcess } from './one-process.ts';
import type { Service } from './service.ts';

const START_TIMEOUT_MS = 30_000;
const BUILD_TIMEOUT_MS = 600_000;

/** A program of this machine that speaks MongoDB's protocol. */
export interface MongoDbProgram {
  readonly kind: 'mongod' | 'ferretdb';
  readonly command: string;
}

/**
 * What FerretDB 1.24 with SQLite does not do, as far as it concerns us:
 * - It has no TTL index, so it removes nothing by itself. Partial indexes are missing as well.
 * - It finds nothing by an index. A query by `_id` alone reads the whole collection in SQLite; every other one decodes it as well, and
 *   some thousand documents already make it slow.
 * - A bulk write stops at its first failed update, even if it is not ordered, and does not say what it has inserted before.
 * - It has no transactions, no replica sets and no retryable writes.
 */
const FERRETDB_SOURCE = join(import.meta.dirname, 'ferretdb');
const FERRETDB = join(import.meta.dirname, '../../.data/ferretdb/ferretdb-1.24.2-with-logins');

/**
 * Returns MongoDB if it is installed; else FerretDB, which is built first if there is none. That takes some minutes.
 * @throws Error there is neither, and why
 */
export function mongoDbProgram(): MongoDbProgram {
  if (spawnSync('mongod', ['--version']).status === 0) return { kind: 'mongod', command: 'mongod' };
  if (!existsSync(FERRETDB)) buildFerretDb();
  return { kind: 'ferretdb', command: FERRETDB };
}

function buildFerretDb(): void {
  if (spawnSync('go', ['version']).status !== 0) throw new Error('neither mongod nor go is installed');
  process.stdout.write('building FerretDB ...\n');
  const { status, stderr } = spawnSync('go', ['build', '-o', FERRETDB, '.'], {
    cwd: FERRETDB_SOURCE,
    encoding: 'utf8',
    timeout: BUILD_TIMEOUT_MS,
  });
  if (status !== 0) throw new Error(`FerretDB could not be built: ${stderr.trim().split('\n').at(-1)}`);
}

/**
 * Starts the program with its data in `dir`.
 * @param options.more further arguments for it
 */
export async function startMongoDb(options: {
  program: MongoDbProgram;
  dir: string;
  more?: readonly string[];
}): Promise<Service> {
  const { program, dir, more = [] } = options;
  mkdirSync(dir, { recursive: true });
  return await onFreePorts(1, async ([port]) => {
    const logFile = join(dir, 'mongodb.log');
    const args =
      program.kind === 'mongod'
        ? ['--port', String(port), '--bind_ip', '127.0.0.1', '--dbpath', dir]
        : ['-listen', `127.0.0.1:${port}`, '-dir', dir];
    const run = async () => untilReady(await startGuarded(program.command, [...args, ...more], { logFile }));
    return await startOneProcess({ url: `mongodb://127.0.0.1:${port}`, logFile, run });
  });
}

async function untilReady(server: GuardedProcess): Promise<GuardedProcess> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline && server.running) {
    if (/Waiting for connections|Listening on /.test(server.output())) return server;
    await sleep(20);
  }
  await server.kill();
  throw new Error(`MongoDB did not start:\n${server.output()}`);
}
