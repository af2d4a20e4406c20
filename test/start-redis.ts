import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { until } from './until.ts';

/** A Redis of the test's own, which needs `redis-server` on the PATH. */
export async function startRedis(): Promise<{ url: string; stop(): Promise<void> }> {
  const dir = await mkdtemp(join(tmpdir(), 'healify-redis-'));
  const port = await freePort();
  const options = { port, bind: '127.0.0.1', dir, save: '', 'maxmemory-policy': 'noeviction' };
  const child = spawn(
    'redis-server',
    Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]),
    { stdio: 'ignore' },
  );
  const exited = once(child, 'exit');
  const stop = async () => {
    child.kill('SIGKILL');
    await exited.catch(() => {});
    await rm(dir, { recursive: true, force: true });
  };
  const probe = new Redis(port, '127.0.0.1', { retryStrategy: () => 20 });
  probe.on('error', () => {});
  try {
    await Promise.race([
      until('redis-server answers', () => probe.status === 'ready'),
      exited.then(() => Promise.reject(new Error('redis-server ended'))),
    ]);
    await probe.quit();
    return { url: `redis://127.0.0.1:${port}`, stop };
  } catch (error) {
    probe.disconnect();
    await stop();
    throw error;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
