import { execFileSync } from 'node:child_process';
import { cpus, totalmem } from 'node:os';
import { redisVersion } from '../tools/services/versions.ts';
import type { Servers } from './servers.ts';

/** What the figures were measured on. */
export async function describeMachine({ redis, broker }: Servers): Promise<Record<string, string>> {
  const [first] = cpus();
  const server = (broker.connection as { serverProperties?: { version?: string } }).serverProperties;
  return {
    date: new Date().toISOString().slice(0, 10),
    CPU: `${cpus().length} x ${first?.model ?? 'unknown'}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GB`,
    kernel: execFileSync('uname', ['-sr'], { encoding: 'utf8' }).trim(),
    Node: process.version,
    servers: `${await redisVersion(redis)} (AOF everysec), RabbitMQ ${server?.version ?? 'unknown'} (quorum queues)`,
  };
}
