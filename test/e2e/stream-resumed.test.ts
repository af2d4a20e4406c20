import { beforeAll, expect, test } from '@jest/globals';
import type { NumberedEvent } from '../../src/contracts/answer-events.ts';
import { textOf } from '../adapters/answer-log/answer-log-contract.ts';
import { readEvents } from '../api/realtime/event-reader.ts';
import { signUp, type TestUser } from '../api-client.ts';
import { startApi, startSimulatorProcess, startWorker, type TestProcess } from '../processes.ts';
import { testRabbitMqUrl, testRedisUrl } from '../services.ts';
import { until } from '../until.ts';

let doomed: TestProcess;
let other: TestProcess;
let user: TestUser;
beforeAll(async () => {
  const env = {
    REDIS_URL: await testRedisUrl(),
    RABBITMQ_URL: await testRabbitMqUrl(),
    JWT_SECRET: 'a secret of at least thirty-two bytes',
  };
  const simulator = await startSimulatorProcess();
  [doomed, other] = await Promise.all([
    startApi(env),
    startApi(env),
    startWorker({ ...env, MODEL_TIMEOUT: '60s', MODEL_SIMULATOR_URL: simulator.url }),
  ]);
  user = await signUp(other.url);
});

const open = (url: string, path: string, init: RequestInit = {}) =>
  fetch(url + path, {
    ...init,
    headers: { Authorization: `Bearer ${user.accessToken}`, ...(init.headers as Record<string, string>) },
    signal: AbortSignal.timeout(60_000),
  });

/** Reads until the connection ends or breaks, or until `stop` says so, which then closes it. */
async function read(response: Response, stop: (events: NumberedEvent[]) => boolean = () => false) {
  const events: NumberedEvent[] = [];
  try {
    for await (const { number, event } of readEvents(response)) {
      events.push({ number, event });
      if (stop(events)) break;
    }
  } catch (error) {
    // A connection that breaks off.
    if ((error as Error).name !== 'TypeError') throw error;
  }
  return events;
}

test('a reader whose api is killed in mid-stream gets the very rest at another one; a closed connection stops nothing', async () => {
  const asked = await open(doomed.url, '/chat/send', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Accept: 'text/event-stream' },
    body: JSON.stringify({ message: 'Long? [[simulate tokens-per-second=50 tokens=300]]' }),
  });
  const path = asked.headers.get('content-location')!;
  await read(await open(other.url, path), (events) => events.at(-1)?.event.type === 'delta');

  const first: NumberedEvent[] = [];
  const reading = read(asked, (events) => {
    first.splice(0, first.length, ...events);
    return false;
  });
  await until('some text', () => first.filter(({ event }) => event.type === 'delta').length > 10);
  await doomed.kill();
  const before = await reading;
  expect(before.map(({ event }) => event.type)).not.toContain('completed');

  const lastId = String(before.at(-1)!.number);
  const rest = await read(await open(other.url, path, { headers: { 'Last-Event-ID': lastId } }));
  const whole = await read(await open(other.url, path));
  expect([...before, ...rest]).toEqual(whole);
  expect(whole.map(({ number }) => number)).toEqual(whole.map((_, index) => index));
  expect(whole.at(-1)?.event.type).toBe('completed');
  const sessionId = asked.headers.get('location')!.split('/').at(-1)!;
  await until('the turn has ended', async () => (await user.session(sessionId)).body.status === 'completed');
  expect(textOf(whole)).toBe((await user.session(sessionId)).body.response);
});
