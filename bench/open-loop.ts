import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, type Dispatcher } from 'undici';
import { freePort } from '../tools/services/free-port.ts';
import { type GuardedProcess, startGuarded } from '../tools/services/guarded-process.ts';
import { PROFILING } from './contenders.ts';
import type { Servers } from './servers.ts';

/** ms, less the model's time. */
export interface Latency {
  p50: number;
  p99: number;
  p999: number;
}

export interface OpenLoopResult {
  /** Of the capacity. */
  share: number;
  perSecond: number;
  /** From the moment that a question was due to its answer. */
  fromDue: Latency;
  /** From the moment that the api let it in (`createdAt`: before it is written down and published) to its answer. */
  fromAccepted: Latency;
}

const MODEL_MS = 50;
const SHARES = [0.25, 0.5, 0.75];
const CAPACITY_QUESTIONS = 5_000;
const CAPACITY_AT_ONCE = 150;
/** Node compiles a function for good once it has been called some thousand times. */
const WARM_UP_QUESTIONS = 15_000;
/** What is seen at the beginning of a rate is what the one before has left. */
const SETTLE_SECONDS = 5;
const ROOT = join(import.meta.dirname, '..');

/**
 * An api and a worker as they run in production. First its capacity, with as many questions on the way as it takes; then
 * questions at a steady rate, each sent when it is due whatever became of those before, and timed from then: a slow
 * answer delays no other question, and hides none (coordinated omission).
 *
 * An answer is what the api pushes on the question's own connection (`Prefer: wait`).
 */
export async function openLoop(servers: Servers, seconds: number, progress: (text: string) => void) {
  await servers.reset();
  await servers.setModel({ latencyMs: MODEL_MS });
  const { processes, url } = await startProduct(servers);
  const agent = new Agent({ connections: 2_000, pipelining: 1, headersTimeout: 0, bodyTimeout: 0 });
  try {
    const token = await signUp(url);
    let serial = 0;
    const ask = async (): Promise<number> => {
      const { status, text } = await send(agent, {
        origin: url,
        path: '/chat/send',
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', prefer: 'wait=60' },
        body: JSON.stringify({ message: `Question ${serial++}: how much water should I drink a day?` }),
      });
      const answer = JSON.parse(text) as { status?: string; createdAt: string };
      if (status !== 200 || answer.status !== 'completed') throw new Error(`POST /chat/send gave ${status}: ${text}`);
      return Date.parse(answer.createdAt);
    };

    await closedLoop(ask, WARM_UP_QUESTIONS);
    progress('capacity');
    const capacity = await closedLoop(ask, CAPACITY_QUESTIONS);
    const results: OpenLoopResult[] = [];
    for (const share of SHARES) {
      const perSecond = capacity * share;
      progress(`${Math.round(perSecond)} a second, ${share * 100} % of ${Math.round(capacity)}`);
      await steadyRate(ask, perSecond, SETTLE_SECONDS);
      const times = await steadyRate(ask, perSecond, seconds);
      results.push({ share, perSecond, fromDue: latency(times.fromDue), fromAccepted: latency(times.fromAccepted) });
    }
    return { capacity, results };
  } finally {
    await agent.destroy();
    await Promise.all(processes.map((child) => child.stop()));
  }
}

/**
 * What `undici.request` makes for a call lives on until the next full garbage collection: the collections before that
 * halted us for 30 ms every few seconds, which counted as the time of whatever was answered meanwhile.
 */
function send(agent: Agent, options: Dispatcher.DispatchOptions): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    let status = 0;
    const chunks: Buffer[] = [];
    agent.dispatch(options, {
      onRequestStart: () => {},
      onResponseStart: (_controller, statusCode) => {
        status = statusCode;
      },
      onResponseData: (_controller, chunk) => void chunks.push(chunk),
      onResponseEnd: () => resolve({ status, text: Buffer.concat(chunks).toString() }),
      onResponseError: (_controller, error) => reject(error),
    });
  });
}

/** Questions per second with as many on the way as there are askers. */
async function closedLoop(ask: () => Promise<unknown>, questions: number): Promise<number> {
  let left = questions;
  const startedAt = performance.now();
  const asker = async () => {
    while (left > 0) {
      left -= 1;
      await ask();
    }
  };
  await Promise.all(Array.from({ length: CAPACITY_AT_ONCE }, asker));
  return questions / ((performance.now() - startedAt) / 1000);
}

/**
 * The times of all questions, in ms.
 * @param ask resolves with the moment that the question was accepted, ms since the epoch
 */
async function steadyRate(ask: () => Promise<number>, perSecond: number, seconds: number) {
  const fromDue: number[] = [];
  const fromAccepted: number[] = [];
  const under: Promise<void>[] = [];
  const startedAt = performance.now();
  for (let i = 0; i < perSecond * seconds; i += 1) {
    const dueAt = startedAt + (i / perSecond) * 1000;
    const waitMs = dueAt - performance.now();
    if (waitMs > 1) await sleep(waitMs);
    under.push(
      ask().then((acceptedAt) => {
        fromDue.push(performance.now() - dueAt);
        fromAccepted.push(Date.now() - acceptedAt);
      }),
    );
  }
  await Promise.all(under);
  return { fromDue, fromAccepted };
}

function latency(times: readonly number[]): Latency {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (quantile: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * quantile))]! - MODEL_MS;
  return { p50: at(0.5), p99: at(0.99), p999: at(0.999) };
}

async function startProduct(servers: Servers): Promise<{ processes: GuardedProcess[]; url: string }> {
  const port = await freePort();
  const env = {
    PATH: process.env.PATH,
    NODE_ENV: 'test',
    LOG_LEVEL: 'warn',
    HOST: '127.0.0.1',
    RABBITMQ_URL: servers.rabbitMqUrl,
    REDIS_URL: servers.redisUrl,
    MODEL_SIMULATOR_URL: servers.modelUrl,
    API_PORT: String(port),
    API_METRICS_PORT: '0',
    WORKER_PORT: '0',
    WORKER_METRICS_PORT: '0',
    WORKER_CONCURRENCY: '200',
    RATE_SEND_PER_MINUTE: '1000000',
  };
  const start = (name: 'api' | 'worker') =>
    startGuarded(process.execPath, [...PROFILING, join(ROOT, `src/main/${name}.ts`)], { env });
  const processes = await Promise.all([start('api'), start('worker')]);
  const url = `http://127.0.0.1:${port}`;
  while (!(await fetch(`${url}/health/ready`).catch(() => undefined))?.ok) {
    if (processes.some((child) => !child.running)) throw new Error(processes.map((child) => child.output()).join('\n'));
    await sleep(100);
  }
  return { processes, url };
}

async function signUp(url: string): Promise<string> {
  const post = async (path: string) => {
    const body = JSON.stringify({ email: 'bench@example.com', password: 'benchmark-password' });
    return await fetch(`${url}${path}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  };
  await post('/auth/register');
  return ((await (await post('/auth/login')).json()) as { accessToken: string }).accessToken;
}
