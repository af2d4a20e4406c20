import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { REQUESTS_QUEUE, RESPONSES_QUEUE } from '../src/contracts/queues.ts';
import type { GuardedProcess } from '../tools/services/guarded-process.ts';
import type { Contender, ModelKind } from './contenders.ts';
import type { Servers } from './servers.ts';
import { readUsage, residentBytes, signalTree, type Usage } from './usage.ts';

export interface DrainOptions {
  model: ModelKind;
  /**
   * How many messages are answered before measuring begins. After them, connections are open and the code is compiled.
   */
  warmUp: number;
  /** How many messages are measured at a time. */
  messages: number;
  /** How often the measurement is repeated. Small backlogs need this, because CPU time is counted in ticks of 10 ms. */
  times?: number;
  /** The message of a question. @param i counts from 0, and the warm-up's messages come first */
  question(i: number): { message: string; sessionId?: string; cache?: boolean; stream?: boolean };
  /** Makes the id of a user's request. Left out: a random UUID. */
  requestIdOf?: ((userId: string) => string) | undefined;
  concurrency?: number | undefined;
  processes?: number;
}

export interface DrainResult {
  perSecond: number;
  /** Per message. */
  cpuMs: number;
  redisCpuMs: number;
  rabbitMqCpuMs: number;
  redisCommands: number;
  redisReads: number;
  /** Peaks, in MB. */
  memoryMb: number;
  redisMemoryMb: number;
  modelCalls: number;
}

const PATIENCE_MS = 60_000;
const SAMPLE_MS = 500;
const IDLE_MS = 500;
/** How many messages are on their way to the broker at once. */
const FILL_BATCH = 2_000;

/**
 * Lets the contender answer the messages of the warm-up. Then halts it while `chat_requests` is filled, and measures
 * from the moment when it continues until its last answer. Repeats this `times` times and adds up the measurements.
 * @throws Error if an answer is missing, comes twice, or belongs to no question
 */
export async function drain(servers: Servers, contender: Contender, options: DrainOptions): Promise<DrainResult> {
  const {
    model,
    warmUp,
    messages,
    times = 1,
    question,
    requestIdOf,
    processes = 1,
    concurrency = contender.concurrency[model],
  } = options;
  const { redis } = servers;
  await servers.reset();
  const unanswered = new Set<string>();
  const running: GuardedProcess[] = [];
  const pids = () => running.map(({ pid }) => pid);
  let lastAt = performance.now();
  let finished = Promise.withResolvers<void>();
  const channel = await servers.broker.createChannel();
  const fail = (why: string) =>
    finished.reject(new Error(`${contender.name}: ${why}\n${running.map((child) => child.output()).join('\n')}`));
  await channel.consume(
    RESPONSES_QUEUE,
    (message) => {
      if (!message) return;
      const { requestId, status } = JSON.parse(message.content.toString()) as { requestId: string; status: string };
      if (status !== 'completed') return fail(`an answer is ${status}`);
      if (!unanswered.delete(requestId)) return fail('a message was answered twice');
      lastAt = performance.now();
      if (unanswered.size === 0) finished.resolve();
    },
    { noAck: true },
  );

  const peak = { memory: 0, redis: 0 };
  let samples = 0;
  const sampling = setInterval(async () => {
    if (performance.now() - lastAt > PATIENCE_MS) fail(`no answer for a minute, ${unanswered.size} missing`);
    if (running.some((child) => !child.running)) fail('it has ended');
    samples += 1;
    peak.memory = Math.max(peak.memory, residentBytes(pids()));
    peak.redis = Math.max(peak.redis, Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1]));
  }, SAMPLE_MS);
  try {
    for (let i = 0; i < processes; i += 1) running.push(await contender.start(servers, { model, concurrency }));
    await fill(servers, contender, unanswered, { from: 0, count: warmUp, question, requestIdOf });
    await finished.promise;
    const total = messages * times;
    const used: Record<keyof Usage, number> = {
      cpuMs: 0,
      redisCpuMs: 0,
      rabbitMqCpuMs: 0,
      redisCommands: 0,
      redisReads: 0,
    };
    let elapsedMs = 0;
    for (let from = warmUp; from < warmUp + total; from += messages) {
      finished = Promise.withResolvers<void>();
      // If it were halted between an answer and the end of its job, it would take the job again.
      await sleep(IDLE_MS);
      for (const { pid } of running) signalTree(pid, 'SIGSTOP');
      // While the contender is halted, no answer comes.
      lastAt = Number.POSITIVE_INFINITY;
      await fill(servers, contender, unanswered, { from, count: messages, question, requestIdOf });
      const before = await readUsage(redis, pids());
      samples = 0;
      const startedAt = performance.now();
      lastAt = startedAt;
      for (const { pid } of running) signalTree(pid, 'SIGCONT');
      await finished.promise;
      elapsedMs += lastAt - startedAt;
      const after = await readUsage(redis, pids());
      for (const name of Object.keys(used) as (keyof Usage)[]) used[name] += after[name] - before[name];
      // Our own samples are not the contender's commands.
      used.redisCommands -= samples;
      used.redisReads -= samples;
    }
    const result = {
      perSecond: total / (elapsedMs / 1000),
      cpuMs: used.cpuMs / total,
      redisCpuMs: used.redisCpuMs / total,
      rabbitMqCpuMs: used.rabbitMqCpuMs / total,
      redisCommands: used.redisCommands / total,
      redisReads: used.redisReads / total,
      memoryMb: peak.memory / 2 ** 20,
      redisMemoryMb: peak.redis / 2 ** 20,
      modelCalls: model === 'http' ? await servers.modelCalls() : Number.NaN,
    };
    // If a message gets a second answer, it comes now.
    await sleep(200);
    return result;
  } finally {
    clearInterval(sampling);
    await Promise.all(running.map((child) => child.stop()));
    await channel.close();
  }
}

/** Publishes messages to `chat_requests` with confirms, and adds their ids to the unanswered ones. */
export async function fill(
  { broker }: Servers,
  { messages }: Contender,
  unanswered: Set<string>,
  {
    from,
    count,
    question,
    requestIdOf = () => randomUUID(),
  }: { from: number; count: number } & Pick<DrainOptions, 'question' | 'requestIdOf'>,
): Promise<void> {
  const channel = await broker.createConfirmChannel();
  for (let i = from; i < from + count; i += 1) {
    const userId = `u-${i % 100}`;
    const requestId = requestIdOf(userId);
    unanswered.add(requestId);
    const request = { requestId, sessionId: `s-${i}`, userId, ...question(i) };
    const celery = messages === 'celery';
    const body = celery ? [[request], {}, { callbacks: null, errbacks: null, chain: null, chord: null }] : request;
    channel.sendToQueue(REQUESTS_QUEUE, Buffer.from(JSON.stringify(body)), {
      persistent: true,
      messageId: requestId,
      correlationId: requestId,
      contentType: 'application/json',
      contentEncoding: 'utf-8',
      ...(celery && { headers: { lang: 'py', task: 'chat', id: requestId, root_id: requestId } }),
    });
    if (i % FILL_BATCH === 0) await channel.waitForConfirms();
  }
  await channel.waitForConfirms();
  await channel.close();
}
