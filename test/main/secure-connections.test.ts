import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type Server } from 'node:tls';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import type { Service } from '../../tools/services/service.ts';
import { signUp } from '../api-client.ts';
import { startApi, startSimulatorProcess, startWorker, type TestProcess } from '../processes.ts';
import { makeSelfSigned } from '../self-signed.ts';
import { privateRedis, testRabbitMqUrl, testRedisUrl } from '../services.ts';

const dir = mkdtempSync(join(tmpdir(), 'healify-tls-'));
const key = join(dir, 'server.key');
const certificate = join(dir, 'server.pem');
const servers: Server[] = [];
let redis: Service;
let cacheUrl: string;
let processes: TestProcess[];

beforeAll(async () => {
  makeSelfSigned(dir, 'server', { commonName: 'localhost', altName: 'DNS:localhost' });
  redis = await privateRedis();
  const admin = new Redis(redis.url);
  await admin.config('SET', 'requirepass', 'pass@word');
  await admin.quit();
  cacheUrl = await testRedisUrl();
  const simulator = await startSimulatorProcess();
  const env = {
    RABBITMQ_URL: await behindTls(await testRabbitMqUrl(), 'amqps:'),
    REDIS_URL: (await behindTls(redis.url, 'rediss:')).replace('//', '//:pass%40word@'),
    CACHE_REDIS_URL: cacheUrl,
    MODEL_SIMULATOR_URL: simulator.url,
    RABBITMQ_CA_FILE: certificate,
    REDIS_CA_FILE: certificate,
  };
  processes = [await startApi(env), await startWorker(env)];
});
afterAll(async () => {
  await Promise.all(processes.map((each) => each.stop()));
  for (const server of servers) server.close();
  await redis.stop();
  rmSync(dir, { recursive: true });
});

/** A server that is reached over TLS only by those who trust our certificate. */
async function behindTls(target: string, protocol: string): Promise<string> {
  const url = new URL(target);
  const server = createServer({ key: readFileSync(key), cert: readFileSync(certificate) }, (near) => {
    const far = connect(Number(url.port), url.hostname);
    near.pipe(far).pipe(near);
    near.on('error', () => far.destroy());
    far.on('error', () => near.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  servers.push(server);
  const { port } = server.address() as AddressInfo;
  return target.replace(/^\w+:/, protocol).replace(url.host, `localhost:${port}`);
}

test('a question goes its way over amqps:// and rediss://, with a password and a Redis of its own for the cache', async () => {
  const user = await signUp(processes[0]!.url);
  const answer = await user.send({ message: 'Is this safe?' }, { Prefer: 'wait=20' });
  expect(answer).toMatchObject({ status: 200, body: { status: 'completed' } });
  const cache = new Redis(cacheUrl);
  expect(await cache.get(`ai:response:${answer.body.sessionId}`)).toContain('Simulated answer');
  expect((await cache.keys('*')).filter((name) => !name.includes('ai:'))).toEqual([]);
  await cache.quit();
});

test('neither password is in a log', () => {
  for (const { output } of processes) expect(output()).not.toMatch(/pass@word|pass%40word|healify-test|amqps:\/\//);
});
