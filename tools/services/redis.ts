import { mkdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.ts';
import { type GuardedProcess, startGuarded } from './guarded-process.ts';
import { programs } from './programs.ts';
import type { Service } from './service.ts';

const START_TIMEOUT_MS = 20_000;

/**
 * Starts the installed Redis with its data in `dir`. It appends each write to a file, and never evicts.
 * @param options.databases how many logical databases it has
 * @param options.appendfsync always: what it has confirmed is on disk, which makes it slower
 */
export async function startRedis(options: {
  dir: string;
  port?: number;
  databases?: number;
  appendfsync?: 'always' | 'everysec';
}): Promise<Service> {
  const { dir, databases = 16, appendfsync = 'everysec' } = options;
  const port = options.port ?? (await freePort());
  mkdirSync(dir, { recursive: true });
  const { redisServer, commandLine } = programs();
  if (!redisServer) throw new Error('redis-server is not installed');
  const args = [
    ...['--port', String(port), '--bind', '127.0.0.1', '--dir', dir, '--databases', String(databases)],
    ...['--save', '', '--appendonly', 'yes', '--appendfsync', appendfsync],
    ...['--auto-aof-rewrite-min-size', '512mb', '--maxmemory-policy', 'noeviction', '--daemonize', 'no'],
  ];
  const logFile = join(dir, 'redis.log');
  let server: GuardedProcess | undefined;

  const start = async () => {
    server = await startGuarded(...commandLine(redisServer, args, dir), { logFile });
    await untilReady(port, server);
  };
  await start();
  return {
    url: `redis://127.0.0.1:${port}`,
    start,
    stop: async () => server?.stop(),
    kill: async () => server?.kill(),
    exited: async () => {
      await server?.exited;
      return server?.exitCode;
    },
    logFile,
  };
}

/** Redis answers a PING with LOADING until its data is in memory. */
async function untilReady(port: number, server: GuardedProcess): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline && server.running) {
    if ((await ping(port)).startsWith('+PONG')) return;
    await sleep(20);
  }
  await server.kill();
  throw new Error(`Redis did not start:\n${server.output()}`);
}

const ping = (port: number) =>
  new Promise<string>((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
    socket.once('data', (data) => {
      resolve(data.toString());
      socket.destroy();
    });
    socket.once('error', () => resolve(''));
  });
