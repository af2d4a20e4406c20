import { afterAll, expect, test } from '@jest/globals';
import type { Service } from '../../../tools/services/service.ts';
import { signUp, type TestUser } from '../../api-client.ts';
import { startApi, startWorker } from '../../processes.ts';
import { privateMongoDb, testRabbitMqUrl, testRedisUrl } from '../../services.ts';
import { startSimulator, type TestSimulator } from '../../start-simulator.ts';
import { until } from '../../until.ts';
import { withMongoDb } from '../../with-mongodb.ts';
import { settled } from './fault-case.ts';

const QUESTIONS = 40;
const KILLS = 2;
const unavailable = { status: 503, body: { code: 'store_unavailable' } };

withMongoDb(
  'MongoDB is killed',
  () => {
    let mongoDb: Service | undefined;
    let simulator: TestSimulator | undefined;
    afterAll(async () => {
      await simulator?.stop();
      await mongoDb?.stop();
    });

    const historyOf = async (user: TestUser) => (await user.history('?limit=100')).body.items;

    test('while answers are written down: each question is answered once, and meanwhile callers get 503, also who erases', async () => {
      mongoDb = await privateMongoDb();
      simulator = await startSimulator();
      const env = {
        RABBITMQ_URL: await testRabbitMqUrl(),
        REDIS_URL: await testRedisUrl(),
        MONGODB_URL: `${mongoDb.url}/healify`,
      };
      const [api] = await Promise.all([
        startApi({ ...env, RESPONSES_PREFETCH: '2', RATE_READ_PER_MINUTE: '100000' }),
        startWorker({ ...env, MODEL_SIMULATOR_URL: simulator.baseUrl, WORKER_CONCURRENCY: '4' }),
      ]);
      const user = await signUp(api.url);
      const asked: string[] = [];
      const { sessionId: erased } = (await user.send({ message: 'Erase this' }, { Prefer: 'wait=20' })).body;
      for (let kill = 0; kill < KILLS; kill++) {
        const before = await settled(api, 'settled');
        for (let i = 0; i < QUESTIONS / KILLS; i++) {
          // Answers come one after the other, so that some of them come while MongoDB is away.
          const { status, body } = await user.send({
            message: `Question ${kill}.${i} [[simulate latency=${500 + (i % 4) * 200}ms]]`,
          });
          expect(status).toBe(202);
          asked.push(body.requestId);
        }
        await until('answers are written down', async () => (await settled(api, 'settled')) > before);
        await mongoDb.kill();
        await until('the api is not ready', async () => (await fetch(`${api.url}/health/ready`)).status === 503);
        const refused = await user.send({ message: 'Meanwhile' });
        expect(refused).toMatchObject(unavailable);
        expect((await user.history()).status).toBe(503);
        expect(await user.delete(`/chat/session/${erased}`)).toMatchObject(unavailable);
        await mongoDb.start();
        await until('the api is ready', async () => (await fetch(`${api.url}/health/ready`)).ok);
      }
      // An api may have completed it in the meantime.
      expect([204, 404]).toContain((await user.delete(`/chat/session/${erased}`)).status);
      expect((await user.session(erased)).status).toBe(404);
      await until(
        'all are answered',
        async () => (await historyOf(user)).filter(({ status }) => status === 'completed').length === QUESTIONS,
        60_000,
      );
      const shown = await historyOf(user);
      expect(shown.map(({ requestId }) => requestId).sort()).toEqual(asked.toSorted());
      expect((await simulator.stats()).started).toBe(QUESTIONS + 1);
      expect(await settled(api, 'settled')).toBe(QUESTIONS + 1);
    }, 240_000);
  },
  { killed: true },
);
