import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { REQUESTS_QUEUE } from '../../src/contracts/queues.ts';
import { AUDIT_TRAIL_KEY } from '../../src/contracts/redis-keys.ts';
import { signUp, type TestUser } from '../api-client.ts';
import { bury, upTo } from '../dead-letters.ts';
import { startApi, startWorker, type TestProcess } from '../processes.ts';
import { type QueueClient, startQueueClient } from '../queue-client.ts';
import { testRabbitMqUrl, testRedisUrl } from '../services.ts';
import { startSimulator, type TestSimulator } from '../start-simulator.ts';
import { until } from '../until.ts';

const DLQ = `${REQUESTS_QUEUE}.dlq`;
const HOUR_MS = 3_600_000;
/** The next sweep begins up to a minute after the one before, and this machine may be slow. */
const SWEPT_WITHIN_MS = 200_000;

let simulator: TestSimulator;
let api: TestProcess;
let worker: TestProcess;
let redis: Redis;
let client: QueueClient;
let user: TestUser;

beforeAll(async () => {
  const env = { RABBITMQ_URL: await testRabbitMqUrl(), REDIS_URL: await testRedisUrl() };
  redis = new Redis(env.REDIS_URL);
  client = await startQueueClient(env.RABBITMQ_URL);
  await bury(client, REQUESTS_QUEUE, upTo(3), { ageMs: 2 * HOUR_MS, reason: 'not_json' });
  await bury(client, REQUESTS_QUEUE, [3], { ageMs: HOUR_MS / 4 });
  simulator = await startSimulator();
  const ages = { COMPLETED_JOBS_AGE: '1m', FAILED_JOBS_AGE: '1m', DEAD_LETTER_RETENTION: '1h' };
  [api, worker] = await Promise.all([
    startApi({ ...env, ...ages }),
    startWorker({ ...env, ...ages, MODEL_SIMULATOR_URL: simulator.baseUrl, RETRY_BASE: '1ms', JOB_ATTEMPTS: '1' }),
  ]);
  user = await signUp(api.url);
});
afterAll(async () => {
  await simulator.stop();
  redis.disconnect();
});

const metrics = async () => (await fetch(api.metricsUrl)).text();
const trail = async () =>
  (await redis.xrange(AUDIT_TRAIL_KEY, '-', '+')).map(
    ([, fields]) => JSON.parse(fields[3]!) as Record<string, unknown>,
  );

test(
  'dead letters that are too old go, and the trail, the log and a metric say so',
  async () => {
    const left = async () => (await client.channel.checkQueue(DLQ)).messageCount;
    await until('three of four are gone', async () => (await left()) === 1, SWEPT_WITHIN_MS);
    const expired = await until('the trail says it', async () => {
      const entries = (await trail()).filter(({ action }) => action === 'dead_letter.expire');
      return entries.length === 2 && entries;
    });
    expect(expired).toMatchObject([
      { outcome: 'begun', actor: { kind: 'system' }, subject: { kind: 'queue', id: DLQ }, details: { count: 3 } },
      { outcome: 'done', details: { count: 3 } },
    ]);
    const said = 'removed dead letters that were older than DEAD_LETTER_RETENTION';
    await until('the log says it', () => api.output().includes(said));
    expect(api.output()).not.toContain('letter 0');
    const text = await metrics();
    expect(text).toMatch(/healify_dead_letters_expired_total\{.*queue="chat_requests".*reason="not_json".*\} 3/);
    // What was seen before the sweep is shown for a while.
    const seconds = await until(
      'the time of the next is shown',
      async () => {
        const shown = /healify_dead_letters_expire_seconds\{.*queue="chat_requests.dlq".*\} (\S+)/.exec(
          await metrics(),
        );
        return shown && Number(shown[1]) > 0 && Number(shown[1]);
      },
      60_000,
    );
    expect(seconds).toBeGreaterThan(1_000);
    expect(seconds).toBeLessThan(2_700);
  },
  SWEPT_WITHIN_MS + 60_000,
);

test(
  'finished and failed jobs go at their time, though nothing else happens and no worker runs',
  async () => {
    const marker = randomUUID();
    await user.send({ message: `Is ${marker} healthy?` }, { Prefer: 'wait=20' });
    await user.send({ message: `Is ${marker} healthy? [[simulate status=400]]` }, { Prefer: 'wait=20' });
    const jobs = async () =>
      (await redis.zcard('{healify}:chat:completed')) + (await redis.zcard('{healify}:chat:failed'));
    await until('both have ended', async () => (await jobs()) === 2);
    await worker.stop();
    await until('both are gone', async () => (await jobs()) === 0, SWEPT_WITHIN_MS);
    expect(await redis.keys('{healify}:chat:r-*')).toEqual([]);
    await until(
      'no line is left',
      async () => (await redis.keys('{healify}:chat:*-log')).length === 0,
      SWEPT_WITHIN_MS,
    );
    const text = await metrics();
    expect(text).toMatch(/healify_swept_total\{.*sweep="failed_jobs".*\} 1/);
    const ages = [...text.matchAll(/healify_sweep_age_seconds\{.*\} (\S+)/g)].map(([, age]) => Number(age));
    expect(ages.length).toBe(10);
    expect(Math.max(...ages)).toBeLessThan(SWEPT_WITHIN_MS / 1000);
  },
  3 * SWEPT_WITHIN_MS,
);

/** What stays until somebody removes it, or is one key for all and is shortened by the sweeper or by its use. */
const NEVER_EXPIRE = [
  /^auth:((user|email):|emails$)/,
  /^keys:/,
  /^healify:installation$/,
  /^audit:trail$/,
  // Counts and lists of the whole installation, without texts.
  /^chat:(settled-count|open-turns|feedback|erasures|unfinished-erasures)$/,
  /^ai:(gate-names|uncertain-spend)$/,
  /^\{healify\}:(processes|sweeps|sent-texts)$/,
  // Jobs, their line and their lists. The sweeper removes jobs.
  /^\{healify\}:chat:(r-.*|completed|failed|delayed|prioritized|active|meta|id|marker|events|next-tags|stalled|erased-users)$/,
];

test('every key that belongs to a user has a time to live, or is one that the sweeper sees to', async () => {
  const { sessionId, requestId } = (
    await user.send({ message: 'Is water healthy?' }, { 'Idempotency-Key': randomUUID() })
  ).body;
  const other = await user.send({ message: 'Is tea healthy?' });
  await user.delete(`/chat/session/${other.body.sessionId}`);
  await user.post(`/chat/requests/${requestId}/cancel`, {});
  expect((await user.session(sessionId)).body.turns).toHaveLength(1);
  const keys = await redis.keys('*');
  const kinds = ['chat:session:', 'chat:idempotency:', 'rate:', 'chat:history:'];
  for (const kind of kinds) expect([kind, keys.some((key) => key.includes(kind))]).toEqual([kind, true]);
  const withoutEnd = async () => {
    const found: string[] = [];
    for (const key of await redis.keys('*')) {
      if (NEVER_EXPIRE.some((pattern) => pattern.test(key))) continue;
      if ((await redis.pttl(key)) === -1) found.push(key);
    }
    return found;
  };
  // The receipt of the conversation has its time once everything is erased.
  await until('nothing is left without an end', async () => (await withoutEnd()).length === 0).catch(() => {});
  expect(await withoutEnd()).toEqual([]);
});
