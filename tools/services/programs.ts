import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { installMissing } from './apt.ts';
import { debianFolder } from './debian-folder.ts';

/** Where the programs of RabbitMQ and Redis come from. */
export interface Programs {
  /**
   * undefined: not installed. This is the path of the server itself, because Debian's /usr/sbin/rabbitmq-server
   * switches to another user first.
   */
  rabbitMqServer: string | undefined;
  /** undefined: not installed */
  redisServer: string | undefined;
  /** Returns the command line of one of them, for a server with its data in `dir`. */
  commandLine(program: string, args: readonly string[], dir: string): [command: string, args: string[]];
}

const DEBIANS_RABBITMQ = '/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server';
const RABBITMQ_SERVERS = [
  DEBIANS_RABBITMQ,
  '/opt/homebrew/opt/rabbitmq/sbin/rabbitmq-server',
  '/usr/local/opt/rabbitmq/sbin/rabbitmq-server',
];

/**
 * Newer servers than those of this machine's Debian. LOCAL_SERVERS chooses RabbitMQ 4.0 with Redis 8.0, or with Valkey
 * 8.1.
 */
const NEWER = { 'debian-13': 'redis-server', 'debian-13-valkey': 'valkey-server' } as const;
const NEWER_FOLDER = join(import.meta.dirname, '../../.data/debian-13');

/** @throws Error LOCAL_SERVERS has an unknown value, or its servers cannot be installed here */
export function programs(): Programs {
  const wanted = process.env.LOCAL_SERVERS;
  if (!wanted) return installed();
  if (!(wanted in NEWER)) throw new Error(`LOCAL_SERVERS must be ${Object.keys(NEWER).join(' or ')}`);
  return newer(NEWER[wanted as keyof typeof NEWER]);
}

const PACKAGES = { rabbitMqServer: 'rabbitmq-server', redisServer: 'redis-server' } as const;

/** The Debian packages of the servers that are not installed. */
export function missingServers(): string[] {
  const found = programs();
  return (['rabbitMqServer', 'redisServer'] as const).filter((name) => !found[name]).map((name) => PACKAGES[name]);
}

/**
 * A server's program, which is installed now if it is missing, and how to run it.
 * @throws Error it is missing, and cannot be installed here
 */
export function serverProgram(name: keyof typeof PACKAGES): Pick<Programs, 'commandLine'> & { program: string } {
  let found = programs();
  if (!found[name]) {
    installMissing([PACKAGES[name]]);
    found = programs();
  }
  return { program: found[name]!, commandLine: found.commandLine };
}

function installed(): Programs {
  return {
    rabbitMqServer: RABBITMQ_SERVERS.flatMap((path) => globSync(path)).at(-1),
    redisServer: spawnSync('redis-server', ['--version']).status === 0 ? 'redis-server' : undefined,
    commandLine: (program, args) => [program, [...args]],
  };
}

function newer(redisServer: string): Programs {
  const folder = debianFolder(NEWER_FOLDER, 'trixie', ['rabbitmq-server', 'redis-server', 'valkey-server']);
  return {
    rabbitMqServer: globSync(join(folder.path, DEBIANS_RABBITMQ)).at(-1)?.slice(folder.path.length),
    redisServer,
    commandLine: folder.commandLine,
  };
}
