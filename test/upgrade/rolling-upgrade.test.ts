import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createDeadLetterAdmin } from '../../src/bridge/redrive/dead-letter-admin.ts';
import { redriveOptions } from '../../src/contracts/dead-letters.ts';
import { REQUESTS_QUEUE, RESPONSES_QUEUE } from '../../src/contracts/queues.ts';
import { textOf } from '../adapters/answer-log/answer-log-contract.ts';
import { signUp, type TestUser } from '../api-client.ts';
import { openLogs } from '../e2e/follow-log.ts';
import { startApi, startWorker, type TestProcess } from '../processes.ts';
import { type QueueClient, startQueueClient } from '../queue-client.ts';
import { testRabbitMqUrl, testRedisUrl } from '../services.ts';
import { startSimulator } from '../start-simulator.ts';
import { until } from '../until.ts';
import { takeLastVersion } from './last-version.ts';

const last = takeLastVersion();
const lastRoot = 'root' in last ? last.root : undefined;
const title =
  'why' in last ? `the last version beside this one (left out: ${last.why})` : 'the last version beside this one';

/** A folder for each version. undefined: this one. */
const pairs = [
  { pair: 'a new api and a worker of the last version', apiRoot: undefined, workerRoot: lastRoot, nextRoot: undefined },
  { pair: 'an api of the last version and a new worker', apiRoot: lastRoot, workerRoot: undefined, nextRoot: lastRoot },
];

(lastRoot === undefined ? describe.skip : describe)(title, () => {
  describe.each(pairs)('$pair', ({ apiRoot, workerRoot, nextRoot }) => {
    let api: TestProcess;
    let worker: TestProcess;
    let workerEnv: Record<string, string>;
    let rabbitMqUrl: string;
    let client: QueueClient;
    let user: TestUser;
    let logs: ReturnType<typeof openLogs>;
    const cleanups: (() => Promise<unknown>)[] = [];
    let simulator: Awaited<ReturnType<typeof startSimulator>>;

    beforeEach(async () => {
      rabbitMqUrl = await testRabbitMqUrl();
      const env = { REDIS_URL: await testRedisUrl(), RABBITMQ_URL: rabbitMqUrl };
      simulator = await startSimulator();
      cleanups.push(() => simulator.stop());
      workerEnv = { ...env, MODEL_TIMEOUT: '60s', MODEL_SIMULATOR_URL: simulator.baseUrl, SHUTDOWN_GRACE: '1s' };
      [api, worker, client] = await Promise.all([
        startApi(env, apiRoot),
        startWorker(workerEnv, workerRoot),
        startQueueClient(rabbitMqUrl),
      ]);
      logs = openLogs(env.REDIS_URL);
      cleanups.push(async () => logs.close());
      cleanups.push(
        () => api.stop(),
        () => worker.stop(),
      );
      user = await signUp(api.url);
    });

    afterEach(async () => {
      for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
    });

    const ask = async (body: object) => {
      const reply = await user.send(body);
      expect(reply.status).toBe(202);
      return reply.body;
    };
    const ended = (sessionId: string) =>
      until(
        `${sessionId} has ended`,
        async () => {
          const { body } = await user.session(sessionId);
          return ['completed', 'failed', 'cancelled'].includes(body.status) && body;
        },
        60_000,
      );
    const expectNoDeadLetters = async () => {
      for (const queue of [REQUESTS_QUEUE, RESPONSES_QUEUE]) expect(await client.depth(`${queue}.dlq`)).toBe(0);
    };

    test('questions are answered, streamed and cancelled, and dead letters are redriven, each once', async () => {
      const plain = await user.send({ message: 'What is healthy?' }, { Prefer: 'wait=20' });
      expect(plain.body).toMatchObject({ status: 'completed', response: expect.any(String) });

      const streamed = await ask({ message: 'And what is not?', stream: true });
      const { events, ended: logEnded } = logs.follow(streamed.requestId);
      await logEnded;
      const answered = await ended(streamed.sessionId);
      expect([answered.status, textOf(events)]).toEqual(['completed', answered.response]);

      const hanging = await ask({ message: 'Forever? [[simulate mode=hang]]', stream: true });
      await logs.follow(hanging.requestId).saw('started');
      const cancelled = await user.post(`/chat/session/${hanging.sessionId}/cancel`);
      expect(cancelled.body.status).toBe('cancelled');
      await until('the model call is given up', async () => (await simulator.stats()).inFlight === 0);
      await until('all is told', async () => (await client.depth(RESPONSES_QUEUE)) === 0);
      await expectNoDeadLetters();

      const requestId = randomUUID();
      const letter = { requestId, sessionId: 's-1', userId: 'u-1', message: 'Once more?' };
      const reply = await client.channel.assertQueue('', { exclusive: true });
      await client.send(`${REQUESTS_QUEUE}.dlq`, Buffer.from(JSON.stringify(letter)), {
        replyTo: reply.queue,
        headers: { 'x-dead-letter-reason': 'handler_failed' },
      });
      const admin = createDeadLetterAdmin({ url: rabbitMqUrl });
      expect(await admin.redrive(REQUESTS_QUEUE, redriveOptions.parse({}))).toMatchObject({ sent: 1, left: 0 });
      const answer = JSON.parse((await client.take(reply.queue, 30_000)).content.toString());
      expect(answer).toMatchObject({ requestId, status: 'completed' });

      // One call for each question: none was lost, and none was asked twice.
      expect((await simulator.stats()).started).toBe(4);
      expect((await user.history()).body.items).toHaveLength(3);
      await expectNoDeadLetters();
    });

    test('the worker is replaced by one of the other version while it answers: every question is answered once', async () => {
      await simulator.behave({ latencyMs: 60_000 });
      const asked = await Promise.all(
        Array.from({ length: 12 }, (_, index) => ask({ message: `Question ${index}?`, stream: index % 3 === 0 })),
      );
      const inFlight = async () => (await simulator.stats()).inFlight;
      await until('the model is asked', async () => (await inFlight()) === asked.length);
      const next = await startWorker(workerEnv, nextRoot);
      await worker.stop();
      await until('the other worker asks the model', async () => (await simulator.stats()).started === 24);
      await simulator.behave({});
      process.kill(next.pid, 'SIGTERM');
      await next.exited;
      worker = await startWorker(workerEnv, workerRoot);

      for (const { sessionId, requestId } of asked) {
        const body = await ended(sessionId);
        expect(body).toMatchObject({ status: 'completed', response: expect.any(String) });
        expect(body.turns.map((turn) => turn.requestId)).toEqual([requestId]);
      }
      for (const { requestId, sessionId } of asked.filter((_, index) => index % 3 === 0)) {
        const { events, ended: logEnded } = logs.follow(requestId);
        await logEnded;
        expect(textOf(events)).toBe((await user.session(sessionId)).body.response);
      }
      // Two workers were stopped while they asked, and gave the questions back.
      expect((await simulator.stats()).started).toBe(3 * asked.length);
      await expectNoDeadLetters();
    });
  });
});
