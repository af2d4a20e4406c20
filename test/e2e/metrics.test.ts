import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { openChatQueue } from '../../src/adapters/jobs/job-shards.ts';
import { deadLetterQueueOf, REQUESTS_QUEUE } from '../../src/contracts/queues.ts';
import { genAi } from '../../src/observability/gen-ai-names.ts';
import { checkMetrics, hasPromtool } from '../../tools/services/promtool.ts';
import { signUp, type TestUser } from '../api-client.ts';
import { startApi, startSimulatorProcess, startWorker, type TestProcess } from '../processes.ts';
import { startQueueClient } from '../queue-client.ts';
import { testRabbitMqUrl, testRedisUrl } from '../services.ts';
import { until } from '../until.ts';
import { valueIn } from '../value-in-metrics.ts';

const TOKEN = 'the-token-of-this-test';
const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const OPEN_METRICS = 'application/openmetrics-text';

let redisUrl: string;
let api: TestProcess;
let worker: TestProcess;
let user: TestUser;
const cleanups: (() => unknown)[] = [];

/** Answers, a cached one, two failures, a retry and a dead letter. */
beforeAll(async () => {
  const rabbitMqUrl = await testRabbitMqUrl();
  redisUrl = await testRedisUrl();
  const simulator = await startSimulatorProcess();
  const settings = {
    RABBITMQ_URL: rabbitMqUrl,
    REDIS_URL: redisUrl,
    MODEL_SIMULATOR_URL: simulator.url,
    JWT_SECRET: 'known-to-each-api-of-this-test-'.padEnd(48, '-'),
    METRICS_TOKEN: TOKEN,
    PRICE_PROMPT: '1',
    PRICE_COMPLETION: '2',
    RETRY_BASE: '50ms',
    RATE_SEND_PER_MINUTE: '8',
  };
  [api, worker] = await Promise.all([startApi(settings), startWorker(settings)]);
  const client = await startQueueClient(rabbitMqUrl);
  await client.channel.sendToQueue(REQUESTS_QUEUE, Buffer.from('garbage'));
  user = await signUp(api.url);
  const asked = 'How much water should I drink?';
  for (const message of [
    asked,
    asked,
    'Now. [[simulate status=400]]',
    `Again. ${randomUUID()} [[simulate status=500 times=1]]`,
  ]) {
    const sent = await user.send({ message }, { Prefer: 'wait=20', traceparent: `00-${TRACE_ID}-b7ad6b7169203331-01` });
    expect(sent.status).toBeLessThan(300);
  }
  // The rest of this minute.
  for (let sent = 4; sent < 9; sent += 1) await user.send({ message: 'More.' });
  await until('all has ended', async () => {
    const text = await scrape(api);
    return Number(/^healify_oldest_open_question_age_seconds\S* (\S+)$/m.exec(text)?.[1] ?? 1) === 0;
  });
});
afterAll(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
});

async function scrape({ metricsUrl }: TestProcess, accept = 'text/plain'): Promise<string> {
  const response = await fetch(metricsUrl, { headers: { Authorization: `Bearer ${TOKEN}`, Accept: accept } });
  expect(response.status).toBe(200);
  return await response.text();
}

const checkable = hasPromtool() ? test : test.skip;
checkable('promtool finds nothing wrong with the metrics of an api and a worker that had traffic', async () => {
  for (const process of [api, worker]) expect(checkMetrics(await scrape(process))).toBe('');
});

test('an operator sees what was asked, answered, repeated, refused and paid for', async () => {
  const [ofApi, ofWorker] = [await scrape(api), await scrape(worker)];
  const api_ = (name: string, labels = {}) => valueIn(ofApi, `healify_${name}`, labels);
  const worker_ = (name: string, labels = {}) => valueIn(ofWorker, name, labels);
  expect(api_('answer_seconds_count', { status: 'completed', cached: 'true' })).toBeGreaterThanOrEqual(1);
  expect(api_('answer_seconds_count', { status: 'failed', cached: 'false' })).toBe(1);
  expect(api_('http_requests_rate_limited_total', { route: '/chat/send' })).toBe(1);
  expect(api_('requests_refused_total', { code: 'rate_limited' })).toBe(1);
  expect(worker_('healify_request_retries_total', { code: 'model_unavailable' })).toBeGreaterThanOrEqual(1);
  expect(worker_('healify_dead_letters_total', { queue: REQUESTS_QUEUE })).toBe(1);
  expect(worker_('healify_cache_bytes_total', { operation: 'hit' })).toBeGreaterThan(0);
  expect(worker_('healify_cache_bytes_total', { operation: 'kept' })).toBeGreaterThan(0);
  expect(worker_('healify_model_cost_dollars_total')).toBeGreaterThan(0);
  expect(worker_('gen_ai_client_token_usage_sum', { gen_ai_token_type: 'output' })).toBeGreaterThan(0);
  expect(worker_('gen_ai_client_operation_duration_seconds_count', { error_type: 'model_rejected' })).toBe(1);
  for (const text of [ofApi, ofWorker]) {
    expect(valueIn(text, 'nodejs_eventloop_lag_p99_seconds')).toBeGreaterThan(0);
    expect(text).not.toMatch(/water|garbage/);
    expect(text).not.toContain(user.userId);
  }
});

test('an operator sees the queues from each process: depth, age, consumers, dead letters that stand, and a pause', async () => {
  const redis = new Redis(redisUrl, { maxRetriesPerRequest: null });
  const queue = openChatQueue(redis);
  cleanups.push(
    () => redis.disconnect(),
    () => queue.close(),
  );
  await queue.pause();
  const letters = { queue: deadLetterQueueOf(REQUESTS_QUEUE) };
  // The first look that sees a letter knows no age of it yet.
  const hasAge = (text: string) => (valueIn(text, 'healify_broker_queue_not_empty_seconds', letters) ?? 0) > 0;
  for (const process of [api, worker]) {
    const text = await until('the pause and the age are seen', async () => {
      const seen = await scrape(process);
      return valueIn(seen, 'healify_jobs_paused', { queue: 'chat' }) === 1 && hasAge(seen) ? seen : undefined;
    });
    expect(valueIn(text, 'healify_broker_queue_messages', letters)).toBe(1);
    expect(valueIn(text, 'healify_broker_queue_consumers', { queue: REQUESTS_QUEUE })).toBe(1);
    expect(valueIn(text, 'healify_jobs', { state: 'failed' })).toBe(1);
    expect(valueIn(text, 'healify_jobs_first_age_seconds', { state: 'failed' })).toBeGreaterThan(0);
    expect(valueIn(text, 'healify_jobs_first_age_seconds', { state: 'active' })).toBeUndefined();
  }
  await queue.resume();
});

test('an operator sees why dead letters stand', async () => {
  const standing = { queue: deadLetterQueueOf(REQUESTS_QUEUE), reason: 'not_json' };
  const count = async () => valueIn(await scrape(api), 'healify_dead_letters_standing', standing);
  expect(await until('the letter is counted', count)).toBe(1);
});

test('an exemplar leads from the time of an answer, of a request, of a step and of a model call to its trace', async () => {
  const exemplar = `# {trace_id="${TRACE_ID}"}`;
  const [ofApi, ofWorker] = [await scrape(api, OPEN_METRICS), await scrape(worker, OPEN_METRICS)];
  const has = (text: string, name: string) =>
    text.split('\n').some((line) => line.startsWith(`${name}_bucket{`) && line.includes(exemplar));
  expect(has(ofApi, 'healify_answer_seconds')).toBe(true);
  expect(has(ofApi, 'healify_http_request_duration_seconds')).toBe(true);
  expect(has(ofWorker, 'healify_step_duration_seconds')).toBe(true);
  expect(has(ofWorker, genAi.operationDuration)).toBe(true);
});

test('without the token, or on the port of the health checks, nobody reads the metrics', async () => {
  for (const { metricsUrl } of [api, worker]) expect((await fetch(metricsUrl)).status).toBe(401);
  expect((await fetch(`${worker.url}/metrics`)).status).toBe(404);
});
