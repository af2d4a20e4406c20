import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type GuardedProcess, startGuarded } from '../../tools/services/guarded-process.ts';
import { register, signUp } from '../api-client.ts';
import { startApi, startWorker } from '../processes.ts';
import { startQueueClient } from '../queue-client.ts';
import { testRabbitMqUrl, testRedisUrl } from '../services.ts';
import { MESSAGE_SIGNING_KEY } from '../signing.ts';
import { startSimulator, type TestSimulator } from '../start-simulator.ts';
import { until } from '../until.ts';

const examples = join(import.meta.dirname, '../../examples/python');
const dir = mkdtempSync(join(tmpdir(), 'healify-python-'));
const python = join(dir, 'bin/python');
const INSTALL_TIMEOUT_MS = 120_000;

/** A Python of the test's own with what the examples need; else why there is none. */
async function install(): Promise<string | undefined> {
  const run = promisify(execFile);
  const options = { timeout: INSTALL_TIMEOUT_MS };
  try {
    await run('python3', ['-m', 'venv', dir], options);
    await run(python, ['-m', 'pip', 'install', '-q', '-r', join(examples, 'requirements.txt')], options);
    return undefined;
  } catch (error) {
    return (error as Error).message.split('\n')[0];
  }
}

const missing = await install();
if (missing)
  process.stdout.write(`The Python examples are left out, python3 with venv and pip is needed: ${missing}\n`);
const withPython = missing ? test.skip : test;

let simulator: TestSimulator;
const scripts: GuardedProcess[] = [];
const run = async (file: string, args: string[], env: Record<string, string>) => {
  const script = await startGuarded(python, [join(examples, file), ...args], {
    env: { PATH: process.env.PATH, ...env },
  });
  scripts.push(script);
  return script;
};

beforeAll(async () => {
  simulator = await startSimulator();
});
afterAll(async () => {
  await Promise.all(scripts.map((script) => script.kill()));
  await simulator.stop();
  rmSync(dir, { recursive: true, force: true });
});

withPython('a Python program asks over RabbitMQ, beside a running api, and prints the answer', async () => {
  const env = {
    RABBITMQ_URL: await testRabbitMqUrl(),
    REDIS_URL: await testRedisUrl(),
    MODEL_SIMULATOR_URL: simulator.baseUrl,
  };
  const ends = await Promise.all([startApi(env), startWorker(env)]);
  const script = await run('ask.py', ['How', 'much', 'water?'], { RABBITMQ_URL: env.RABBITMQ_URL });
  await script.exited;
  expect(script.output()).toContain('How much water?');
  const client = await startQueueClient(env.RABBITMQ_URL);
  expect(await client.depth('chat_responses.dlq')).toBe(0);
  await Promise.all(ends.map((end) => end.stop()));
});

withPython(
  'a Python program asks over HTTP with requests, and prints the answer while it is being written',
  async () => {
    const env = {
      RABBITMQ_URL: await testRabbitMqUrl(),
      REDIS_URL: await testRedisUrl(),
      MODEL_SIMULATOR_URL: simulator.baseUrl,
    };
    const [api, worker] = await Promise.all([startApi(env), startWorker(env)]);
    const account = await register(api.url);
    const script = await run('follow.py', ['Wie', 'viel', 'Wasser? 💧 [[simulate mode=echo]]'], {
      HEALIFY_API: api.url,
      HEALIFY_EMAIL: account.email,
      HEALIFY_PASSWORD: account.password,
      PYTHONIOENCODING: 'utf-8',
    });
    await script.exited;
    expect(script.output().trim()).toBe('Wie viel Wasser? 💧');
    await Promise.all([api.stop(), worker.stop()]);
  },
);

withPython("a worker written in Python answers an api's users with signed answers", async () => {
  const env = { RABBITMQ_URL: await testRabbitMqUrl(), REDIS_URL: await testRedisUrl() };
  const api = await startApi(env);
  const script = await run('worker.py', [], { RABBITMQ_URL: env.RABBITMQ_URL, MESSAGE_SIGNING_KEY });
  await until('it answers', () => script.output().includes('answering'));
  const user = await signUp(api.url);
  const answer = await user.send({ message: 'How do you do?' }, { Prefer: 'wait=20' });
  expect(answer.body).toMatchObject({
    status: 'completed',
    response: 'You asked: How do you do?',
    finishReason: 'stop',
  });
  await api.stop();
});
