import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startMongoDb } from '../../tools/services/mongodb.ts';
import type { Service } from '../../tools/services/service.ts';
import { postJson, signUp } from '../api-client.ts';
import { startApi, startScript, startWorker } from '../processes.ts';
import { makeSelfSigned } from '../self-signed.ts';
import { chosenMongoDb } from '../services/mongodb-source.ts';
import { testRabbitMqUrl, testRedisUrl } from '../services.ts';
import { MESSAGE_SIGNING_KEY } from '../signing.ts';
import { startSimulator, type TestSimulator } from '../start-simulator.ts';
import { until } from '../until.ts';
import { isFerretDb, withMongoDb } from '../with-mongodb.ts';

const PASSWORD = 'three-brown-otters';

withMongoDb('a MongoDB that asks for TLS and a login', () => {
  // Only FerretDB lets a test say with its arguments who may log in.
  const withServer = isFerretDb() ? test : test.skip;
  let server: Service | undefined;
  let simulator: TestSimulator;
  let settings: Record<string, string>;
  let dir: string;

  beforeAll(async () => {
    simulator = await startSimulator();
    const source = chosenMongoDb();
    if (source.kind !== 'program' || !isFerretDb()) return;
    dir = mkdtempSync(join(process.env.TEST_RUN_FOLDER!, 'secure-mongodb-'));
    for (const name of ['server', 'other']) makeSelfSigned(dir, name, { commonName: name, altName: 'IP:127.0.0.1' });
    const tls = ['-tls-cert', join(dir, 'server.pem'), '-tls-key', join(dir, 'server.key')];
    const more = [...tls, '-user', 'healify', '-password', PASSWORD];
    server = await startMongoDb({ program: source.program, dir, more });
    settings = {
      REDIS_URL: await testRedisUrl(),
      RABBITMQ_URL: await testRabbitMqUrl(),
      MODEL_SIMULATOR_URL: simulator.baseUrl,
      MONGODB_CA_FILE: join(dir, 'server.pem'),
      MESSAGE_SIGNING_KEY,
    };
  });
  afterAll(async () => {
    await server?.kill();
    await simulator.stop();
  });

  const address = (password = PASSWORD, options = '&tls=true') =>
    `${server!.url.replace('//', `//healify:${password}@`)}/healify?authSource=admin${options}`;

  withServer('keeps what an api and a worker write there', async () => {
    const env = { ...settings, MONGODB_URL: address() };
    const [api, worker] = await Promise.all([startApi(env), startWorker(env)]);
    const user = await signUp(api.url);
    expect((await user.send({ message: 'Am I known?' }, { Prefer: 'wait=20' })).body).toMatchObject({
      status: 'completed',
    });
    await Promise.all([api.stop(), worker.stop()]);
  });

  withServer.each([
    ['of a wrong password', () => ({ MONGODB_URL: address('a-wrong-password') }), /[Aa]uthentication failed/],
    ['of a server that we do not trust', () => ({ MONGODB_CA_FILE: join(dir, 'other.pem') }), /certificate/],
    ['of an address without TLS', () => ({ MONGODB_URL: address(PASSWORD, '') }), /closed|reset|hang up/],
  ])('is not used, and it is said why, because %s', async (_why, wrong, reason) => {
    const api = await startScript('src/main/api.ts', [], {
      ...settings,
      MONGODB_URL: address(),
      ...wrong(),
      ...{ API_PORT: '0', API_METRICS_PORT: '0', HOST: '127.0.0.1' },
    });
    const port = await until('the api listens', () => /"port":(\d+)/.exec(api.output())?.[1]);
    await until('it says why it waits', () =>
      lines(api.output(), 'waiting for MongoDB').some((line) => reason.test(line)),
    );
    const health = await fetch(`http://127.0.0.1:${port}/health/ready`);
    expect([health.status, await health.json()]).toMatchObject([503, { checks: { mongodb: { status: 'down' } } }]);
    const { status, body } = await postJson(`http://127.0.0.1:${port}/auth/login`, {
      email: 'somebody@example.com',
      password: 'three-brown-otters-2',
    });
    expect([status, body.code]).toEqual([503, 'store_unavailable']);
    expect(lines(api.output(), 'connected to MongoDB')).toEqual([]);
    expect(lines(api.output(), 'lost MongoDB')).toEqual([]);
    expect(lines(api.output(), 'could not create the indexes').length).toBeLessThan(3);
    for (const secret of [PASSWORD, 'a-wrong-password']) expect(api.output()).not.toContain(secret);
    await api.stop();
  });
});

const lines = (output: string, text: string) => output.split('\n').filter((line) => line.includes(text));
