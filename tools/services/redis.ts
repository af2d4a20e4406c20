import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type GuardedProcess, startGuarded } from './guarded-process.ts';
import { onFreePorts } from './on-free-ports.ts';
import { startOneProcess } from './one-process.ts';
import { programs } from './programs.ts';
import type { Service } from './service.ts';

const START_TIMEOUT_MS = 20_000;

export interface RedisOptions {
  dir: string;
  /** How many logical databases it has. */
  databases?: number;
  /** always: what it has confirmed is on disk, which makes it slower. */
  appendfsync?: 'always' | 'everysec';
}

/** Starts the installed Redis with its data in `dir`. It appends each write to a file, and never evicts. */
export async function startRedis(options: RedisOptions): Promise<Service> {
  return await onFreePorts(1, ([port]) => startOn(port!, options));
}

async function startOn(
  port: number,
  { dir, databases = 16, appendfsync = 'everysec' }: RedisOptions,
): Promise<Service> {
  mkdirSync(dir, { recursive: true });
  const { redisServer, commandLine } = programs();
  if (!redisServer) throw new Error('redis-server is not installed');
  const args = [
    ...['--port', String(port), '--bind', '127.0.0.1', '--dir', dir, '--databases', String(databases)],
    ...['--save', '', '--appendonly', 'yes', '--appendfsync', appendfsync],
    ...['--auto-aof-rewrite-min-size', '512mb', '--maxmemory-policy', 'noeviction', '--daemonize', 'no'],
  ];
  const logFile = join(dir, 'redis.log');
  const run = async () => untilReady(await startGuarded(...commandLine(redisServer, args, dir), { logFile }));
  return await startOneProcess({ url: `redis://127.0.0.1:${port}`, logFile, run });
}

/** A ping would not do: if another Redis has the port, that one answers it. */
async function untilReady(server: GuardedProcess): Promise<GuardedProcess> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline && server.running) {
    if (server.output().includes('Ready to accept connections')) return server;
    await sleep(20);
  }
  await server.kill();
  throw new Error(`Redis did not start:\n${server.output()}`);
}
