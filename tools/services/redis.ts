import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type GuardedProcess, startGuarded } from './guarded-process.ts';
import { keptPassword } from './kept-password.ts';
import { onFreePorts } from './on-free-ports.ts';
import { startOneProcess } from './one-process.ts';
import { serverProgram } from './programs.ts';
import type { Service } from './service.ts';

const START_TIMEOUT_MS = 20_000;

export interface RedisOptions {
  dir: string;
  /** How many logical databases it has. */
  databases?: number;
  /** always: what it has confirmed is on disk, which makes it slower. */
  appendfsync?: 'always' | 'everysec';
  /** It asks for a password, which the URL then has. */
  hasPassword?: boolean;
}

/** Starts the installed Redis with its data in `dir`. It appends each write to a file, and never evicts. */
export async function startRedis({ databases = 16, hasPassword = false, ...options }: RedisOptions): Promise<Service> {
  mkdirSync(options.dir, { recursive: true });
  const password = hasPassword ? keptPassword(options.dir) : undefined;
  return await onFreePorts(1, async ([port]) =>
    startOneProcess({
      url: `redis://${password === undefined ? '' : `:${password}@`}127.0.0.1:${port}`,
      ...runRedis({ ...options, password, settings: { port: port!, databases } }),
    }),
  );
}

/** Settings of redis.conf, by name. */
export type RedisSettings = Readonly<Record<string, string | number>>;

/** How to start a Redis with further settings. */
export function runRedis({
  dir,
  appendfsync = 'everysec',
  password,
  settings,
}: Pick<RedisOptions, 'dir' | 'appendfsync'> & { password?: string | undefined; settings: RedisSettings }): RedisRun {
  return runServer(dir, password === undefined ? [] : [passwordFile(dir, password)], READY, {
    ...{ save: '', appendonly: 'yes', appendfsync, 'auto-aof-rewrite-min-size': '512mb' },
    ...{ 'maxmemory-policy': 'noeviction', ...settings },
  });
}

/** A file of settings, because everybody on the machine can read the arguments of a process. */
function passwordFile(dir: string, password: string): string {
  const file = join(dir, 'redis.conf');
  writeFileSync(file, `requirepass ${password}\n`, { mode: 0o600 });
  return file;
}

/** How to start a Sentinel with these settings; `more` are further lines, as a Sentinel has them. */
export function runSentinel(options: { dir: string; settings: RedisSettings; more: readonly string[] }): RedisRun {
  const { dir, settings, more } = options;
  mkdirSync(dir, { recursive: true });
  // It keeps its state there.
  const file = join(dir, 'sentinel.conf');
  writeFileSync(file, `${more.join('\n')}\n`);
  return runServer(dir, [file], SENTINEL_READY, settings, ['--sentinel']);
}

/** What `startOneProcess` needs. */
interface RedisRun {
  logFile: string;
  run: () => Promise<GuardedProcess>;
}

const READY = 'Ready to accept connections';
const SENTINEL_READY = 'Sentinel ID is';

function runServer(
  dir: string,
  first: readonly string[],
  ready: string,
  settings: RedisSettings,
  last: readonly string[] = [],
): RedisRun {
  mkdirSync(dir, { recursive: true });
  const { program, commandLine } = serverProgram('redisServer');
  const all = { bind: '127.0.0.1', dir, daemonize: 'no', ...settings };
  const args = Object.entries(all).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const logFile = join(dir, 'redis.log');
  const command = commandLine(program, [...first, ...args, ...last], dir);
  return { logFile, run: async () => untilReady(await startGuarded(...command, { logFile }), ready) };
}

/** A ping would not do: if another Redis has the port, that one answers it. */
async function untilReady(server: GuardedProcess, ready: string): Promise<GuardedProcess> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline && server.running) {
    if (server.output().includes(ready)) return server;
    await sleep(20);
  }
  await server.kill();
  throw new Error(`Redis did not start:\n${server.output()}`);
}
