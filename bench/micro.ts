import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { pino } from 'pino';
import { Bench } from 'tinybench';
import { fetch } from 'undici';
import { appendEvents } from '../src/adapters/answer-log/redis-scripts/append-events.ts';
import { createAnswerCache } from '../src/adapters/answers/answer-cache.ts';
import { addJobs } from '../src/adapters/jobs/job-queue.ts';
import { openChatQueue } from '../src/adapters/jobs/job-shards.ts';
import { saveJobs } from '../src/adapters/jobs/redis-scripts/save-jobs.ts';
import { settleJobs } from '../src/adapters/jobs/redis-scripts/settle-jobs.ts';
import type { TakenJob } from '../src/adapters/jobs/redis-scripts/taken-job.ts';
import { answerParameters } from '../src/adapters/model/answer-parameters.ts';
import { createEventStreamReader } from '../src/adapters/model/event-stream.ts';
import { createDispatcher } from '../src/adapters/model/http/dispatcher.ts';
import { createWholeFetch, type WholeFetch } from '../src/adapters/model/http/whole-fetch.ts';
import { createModelProvider } from '../src/adapters/model/model-provider.ts';
import { createProgressWriter } from '../src/adapters/model/progress-writer.ts';
import { responsePublisher } from '../src/adapters/rabbitmq/chat-messages.ts';
import { connectRabbitMq } from '../src/adapters/rabbitmq/connection.ts';
import { createPublisher } from '../src/adapters/rabbitmq/publisher.ts';
import { connectToOneServer } from '../src/adapters/redis/connect-redis.ts';
import { createAnswerSignatures } from '../src/contracts/answer-signature.ts';
import { plainCacheKeys } from '../src/contracts/cache-keys.ts';
import type { ChatResponse } from '../src/contracts/chat-response.ts';
import { readChatRequest } from '../src/contracts/read-chat-request.ts';
import { readChatResponse } from '../src/contracts/read-chat-response.ts';
import { plainSeals } from '../src/contracts/sealing.ts';
import { continueTrace } from '../src/contracts/traceparent.ts';
import { MESSAGE_SIGNING_KEY } from './contenders.ts';
import { startServers } from './servers.ts';

// The steps of the hot path, one by one, on real servers: `npm run bench:micro`. If a name contains a number of items,
// the time is for one batch of that many.

const BATCH = 100;
const LEAST_MS = 500;
/** The number of batches over which Redis's CPU time is measured. */
const ROUNDS = 100;

if (process.argv.includes('--help')) {
  console.log(`Measures the steps of the hot path, one by one, on a private RabbitMQ and Redis; takes about a minute.

  npm run bench:micro
`);
  process.exit(0);
}

const servers = await startServers();
try {
  await servers.reset();
  const logger = pino({ level: 'silent' });
  const redis = connectToOneServer({ url: servers.redisUrl, name: 'bench', logger });
  const connection = await connectRabbitMq({ url: servers.rabbitMqUrl, name: 'bench', logger });
  await connection.ready();
  const publisher = createPublisher({ connection, timeoutMs: 10_000, logger });
  const signatures = createAnswerSignatures([MESSAGE_SIGNING_KEY]);
  const publish = responsePublisher({
    ...{ publisher, plain: true, signatures },
    publishReply: () => Promise.reject(new Error('no request has a reply queue')),
  });
  const queue = openChatQueue(redis);
  const toKey = (type: string) => queue.toKey(type);
  const cache = createAnswerCache({
    redis,
    keys: plainCacheKeys,
    keepLast: true,
    ttlMs: 3_600_000,
    maxEntryBytes: 65_536,
  });
  const key = (await plainCacheKeys.of('everybody'))!;
  const newQuestion = () => ({ hash: randomUUID(), key });
  const settings = {
    name: 'simulator',
    baseUrl: servers.modelUrl,
    model: 'simulator',
    systemPrompt: 'You are a helpful assistant.',
    temperature: undefined,
    maxTokens: 1_000,
  };
  const provider = createModelProvider({
    ...settings,
    apiKey: 'benchmark',
    timeoutMs: 10_000,
    promptPrice: undefined,
    completionPrice: undefined,
  });

  const request = { sessionId: 's', userId: 'u', message: 'How much water should I drink a day?' };
  const body = Buffer.from(JSON.stringify({ ...request, requestId: 'r' }));
  const answer = {
    response: 'Two litres.',
    model: 'simulator',
    provider: 'simulator',
    usage: { promptTokens: 1, completionTokens: 1, totalTokens: 2, cost: null },
    finishReason: 'stop' as const,
  };
  const response: ChatResponse = {
    version: 1,
    requestId: 'r',
    sessionId: 's',
    userId: 'u',
    status: 'completed',
    ...answer,
    error: null,
    cached: false,
    attempts: 1,
    timings: { waitMs: 1, modelMs: 1, totalMs: 2 },
    completedAt: new Date().toISOString(),
  };
  const saved = JSON.stringify({
    step: 'ask-model',
    attempt: 1,
    steps: [],
    results: { 'ask-model': answer },
    crashes: 0,
  });
  const responseBody = Buffer.from(JSON.stringify(response));
  const signature = signatures.sign(responseBody);
  const longBody = Buffer.from(JSON.stringify({ ...response, response: 'x'.repeat(4_000) }));
  const longSignature = signatures.sign(longBody);
  const parametersOf = answerParameters(settings);
  const trace = continueTrace(undefined);
  const question = { message: request.message, context: [] };
  const newJobs = () =>
    Array.from({ length: BATCH }, () => ({
      request: readChatRequest({ body: Buffer.from(JSON.stringify({ ...request, requestId: randomUUID() })) }),
      ...trace,
      receivedAt: new Date().toISOString(),
    }));
  const settle = (jobs: readonly TakenJob[], room: number) =>
    settleJobs(
      redis,
      toKey,
      jobs.map(({ jobId, attemptsStarted }) => ({
        ...{ jobId, attemptsStarted, attemptsMade: 1, locked: false, returnValue: '{}' },
      })),
      { now: Date.now(), kept: 1_000, keepsText: false, rememberMs: 3_600_000, room },
    );
  let jobs = newJobs();
  let taken: TakenJob[] = [];
  const empty = async () => {
    await queue.obliterate({ force: true });
    jobs = newJobs();
  };
  const begun = async () => {
    await empty();
    taken = (await addJobs(queue, redis, jobs, { attempts: 3, room: BATCH })).started;
  };

  const logIds = Array.from({ length: BATCH }, () => randomUUID());
  let appended = 0;
  const append = async () => {
    appended += 1;
    // A log begins with `queued`, so its first delta has the number 1.
    const first = appended === 1 ? undefined : appended;
    const event = { type: 'delta', text: 'two litres ', offset: 0 } as const;
    const batch = { epoch: 1, first, ends: false, keptMs: undefined, events: [{ event, charsAfter: 0 }] };
    await Promise.all(logIds.map((requestId) => appendEvents(redis, requestId, batch)));
  };
  const chunk = `data: ${JSON.stringify({
    ...{ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 0, model: 'simulator', usage: null },
    choices: [{ index: 0, delta: { content: 'litres ' }, finish_reason: null }],
  })}\n\n`;
  const readStream = () => {
    const progress = { begun: () => {}, text: () => {} };
    const callNow = () => ({ provider: 'simulator', model: 'simulator' });
    const writer = createProgressWriter(progress, { removeThinking: true, callNow });
    const reader = createEventStreamReader({ onText: writer.write });
    for (let token = 0; token < BATCH; token += 1) reader.read(chunk);
  };

  const each = <T>(run: () => Promise<T>) => Promise.all(Array.from({ length: BATCH }, run));
  const redisSteps: { name: string; run: () => Promise<unknown>; before?: () => Promise<void> }[] = [
    { name: 'jobs added into the line', run: () => addJobs(queue, redis, jobs, { attempts: 3 }), before: empty },
    {
      name: 'jobs added and begun',
      run: () => addJobs(queue, redis, jobs, { attempts: 3, room: BATCH }),
      before: empty,
    },
    {
      name: 'jobs taken',
      run: () => settle([], BATCH),
      before: async () => {
        await empty();
        await addJobs(queue, redis, jobs, { attempts: 3 });
      },
    },
    {
      name: 'jobs saved',
      run: () =>
        saveJobs(
          redis,
          taken.map(({ jobId }) => ({ key: toKey(jobId), attemptsStarted: 1, progress: saved })),
        ),
      before: begun,
    },
    { name: 'jobs completed', run: () => settle(taken, 0), before: begun },
    { name: 'questions looked up', run: () => each(() => cache.lookUp(newQuestion(), randomUUID())) },
    {
      name: 'answers kept',
      run: () =>
        each(() =>
          cache.keep({ sessionId: randomUUID(), userId: 'ann' }, answer, {
            question: newQuestion(),
            requestId: randomUUID(),
          }),
        ),
    },
    {
      name: 'last answers kept',
      run: () => each(() => cache.keep({ sessionId: randomUUID(), userId: 'ann' }, answer)),
    },
    { name: 'deltas appended, each to another log', run: append },
  ];

  // The channel is opened after the connection.
  while (
    await publish(response, trace, { seals: plainSeals }).then(
      () => false,
      () => true,
    )
  )
    await sleep(20);

  const dispatcher = createDispatcher();
  const wholeFetch = createWholeFetch({ dispatcher, maxBytes: 4 * 1024 * 1024 });
  const sent = JSON.stringify(parametersOf(question).body);
  const post = async (by: WholeFetch) => {
    const headers = { 'content-type': 'application/json', authorization: 'Bearer benchmark' };
    const reply = await by(`${servers.modelUrl}/chat/completions`, { method: 'POST', headers, body: sent });
    return await reply.text();
  };

  const bench = new Bench({ time: LEAST_MS, throws: true });
  bench
    .add('read a request', () => readChatRequest({ body }))
    .add('read a response', () => readChatResponse({ body: responseBody }))
    .add('sign a response', () => signatures.sign(responseBody))
    .add('check the signature of a response', () => signatures.isValid(responseBody, signature))
    .add('check the signature of a response of 4 kB', () => signatures.isValid(longBody, longSignature))
    .add(`read a stream of ${BATCH} tokens`, readStream)
    .add('hash a question', () => cache.questionOf(parametersOf(question), 'user'))
    .add(`publish ${BATCH} responses, confirmed`, () => each(() => publish(response, trace, { seals: plainSeals })))
    .add('ask the model over pooled connections', () => provider.ask(question, new AbortController().signal))
    .add('  of which: one POST, by our fetch for whole replies', () => post(wholeFetch))
    .add("  the same by undici's fetch, with the same connections", () =>
      post((url, init) => fetch(String(url), { ...init, dispatcher } as object) as unknown as Promise<Response>),
    );
  for (const { name, run, before } of redisSteps) {
    bench.add(`${BATCH} ${name}`, run, before && { beforeEach: before });
  }
  await bench.run();
  console.table(bench.table());

  /**
   * Measures the CPU time of Redis's main thread for one item of a batch, in µs. The measurement itself costs a little,
   * too.
   */
  const redisCpuUs = async (run: () => Promise<unknown>, before = async () => {}) => {
    let us = 0;
    for (let i = 0; i < ROUNDS; i += 1) {
      await before();
      const startedAt = await cpuOf(redis);
      await run();
      us += (await cpuOf(redis)) - startedAt;
    }
    return us / ROUNDS / BATCH;
  };
  const looking = await redisCpuUs(async () => {});
  const rows: [string, { 'Redis CPU, µs each': number }][] = [];
  for (const { name, run, before } of redisSteps) {
    const us = (await redisCpuUs(run, before)) - looking;
    rows.push([name, { 'Redis CPU, µs each': Number(us.toFixed(1)) }]);
  }
  console.table(Object.fromEntries(rows));

  cache.close();
  await queue.close();
  await publisher.close();
  await connection.close();
  redis.disconnect();
} finally {
  await servers.stop();
}

async function cpuOf(redis: Redis): Promise<number> {
  const text = await redis.info('cpu');
  const seconds = (name: string) => Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(text)?.[1]);
  return (seconds('used_cpu_sys_main_thread') + seconds('used_cpu_user_main_thread')) * 1e6;
}
