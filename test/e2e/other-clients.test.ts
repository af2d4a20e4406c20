import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { REQUESTS_QUEUE, RESPONSES_QUEUE } from '../../src/contracts/queues.ts';
import { readChatResponse } from '../../src/contracts/read-chat-response.ts';
import { aptInstall } from '../../tools/services/apt.ts';
import { startWorker, type TestProcess } from '../processes.ts';
import { testRabbitMqUrl, testRedisUrl } from '../services.ts';
import { startSimulator, type TestSimulator } from '../start-simulator.ts';
import { until } from '../until.ts';

const run = promisify(execFile);

let rabbitMqUrl: string;
let simulator: TestSimulator;
let worker: TestProcess;

beforeAll(async () => {
  if (!existsSync('/usr/bin/amqp-publish')) aptInstall(['amqp-tools']);
  rabbitMqUrl = await testRabbitMqUrl();
  simulator = await startSimulator();
  worker = await startWorker({
    RABBITMQ_URL: rabbitMqUrl,
    REDIS_URL: await testRedisUrl(),
    MODEL_SIMULATOR_URL: simulator.baseUrl,
  });
}, 300_000);

afterAll(async () => {
  await worker?.stop();
  await simulator?.stop();
});

const publish = (body: string) => run('amqp-publish', ['--url', rabbitMqUrl, '-r', REQUESTS_QUEUE, '-b', body]);

/** amqp-get ends with 2 while the queue is empty. */
const nextAnswer = () =>
  until('an answer', () =>
    run('amqp-get', ['--url', rabbitMqUrl, '-q', RESPONSES_QUEUE], { encoding: 'buffer' }).then(
      ({ stdout }) => readChatResponse({ body: stdout }),
      (error) => {
        if (error.code === 2) return undefined;
        throw error;
      },
    ),
  );

test('a client from another project asks with the smallest message and reads the answer', async () => {
  await publish('{"sessionId":"their-session","userId":"their-user","message":"How much water should I drink?"}');

  expect(await nextAnswer()).toMatchObject({
    version: 1,
    requestId: expect.stringMatching(/^sha256-[0-9a-f]{64}$/),
    sessionId: 'their-session',
    userId: 'their-user',
    status: 'completed',
    response: expect.stringContaining('How much water should I drink?'),
    error: null,
    cached: false,
    attempts: 1,
  });
});

test('such a client gets an answer for each of two users who ask the same', async () => {
  await publish('{"sessionId":"first-session","userId":"first-user","message":"Is rice healthy?"}');
  await publish('{"sessionId":"second-session","userId":"second-user","message":"Is rice healthy?"}');

  const answers = [await nextAnswer(), await nextAnswer()];
  expect(answers.map((answer) => answer.sessionId).sort()).toEqual(['first-session', 'second-session']);
  expect(answers[0]?.response).toBe(answers[1]?.response);
});
