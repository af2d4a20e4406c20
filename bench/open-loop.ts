import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, type Dispatcher } from 'undici';
import { type Asked, startLimit, startProduct } from './asked.ts';
import type { Servers } from './servers.ts';
import { readCores } from './usage.ts';

/** ms, without the model's time. */
export interface Latency {
  p50: number;
  p99: number;
  p999: number;
}

/** The times that were measured at one rate. */
export interface Seen {
  /** From the moment when a question was due to its answer. */
  fromDue: Latency;
  /** From the moment when the api let it in (`createdAt`, before it is written down and published) to its answer. */
  fromAccepted: Latency;
}

export interface OpenLoopResult {
  /** A share of the pipeline's capacity, from 0 to 1. */
  share: number;
  perSecond: number;
  pipeline: Seen;
  limit: Seen;
}

const MODEL_MS = 50;
const SHARES = [0.25, 0.5, 0.75];
const CAPACITY_QUESTIONS = 5_000;
const CAPACITY_AT_ONCE = 150;
/** Node optimises a function only after some thousand calls. */
const WARM_UP_QUESTIONS = 15_000;
/** The first answers at a rate are still slowed down by the previous rate, so they are not measured. */
const SETTLE_SECONDS = 5;

/**
 * Measures the product at steady rates. First it finds the capacity, with many questions at once. Then it sends
 * questions at a steady rate. Each is sent when it is due, whatever happened to the earlier ones, and its time is
 * measured from then. So a slow answer does not delay other questions and hides no delay (coordinated omission).
 * Finally it measures the limit at the same rates.
 *
 * The answer comes on the question's own connection (`Prefer: wait`).
 */
export async function openLoop(servers: Servers, seconds: number, progress: (text: string) => void) {
  await servers.reset();
  await servers.setModel({ latencyMs: MODEL_MS });
  let capacity = 0;
  const rates = await asking(await startProduct(servers), async (ask) => {
    progress('capacity');
    capacity = await closedLoop(ask, CAPACITY_QUESTIONS);
    return await atShares(ask, capacity, seconds, progress);
  });
  await servers.reset();
  const limits = await asking(await startLimit(servers), (ask) =>
    atShares(ask, capacity, seconds, (text) => progress(`limit: ${text}`)),
  );
  const results: OpenLoopResult[] = rates.map((pipeline, index) => {
    const share = SHARES[index]!;
    return { share, perSecond: capacity * share, pipeline, limit: limits[index]! };
  });
  return { capacity, results };
}

/** What was measured at one steady rate. */
export interface SeenAtRate {
  perSecond: number;
  seen: Seen;
  /** The share of the cores' time in which no process ran, from 0 to 1. */
  idle: number;
}

/**
 * Measures the product's capacity, and then the product at steady rates. The same number of questions comes before the first, so that
 * two runs can be compared.
 * @param settings of api and worker
 * @param load either shares of the capacity, or the rates of an earlier run
 */
export async function openLoopAt(
  servers: Servers,
  settings: Record<string, string>,
  load: ({ shares: readonly number[] } | { rates: readonly number[] }) & { seconds: number; warmUp: number },
): Promise<{ capacity: number; atRates: SeenAtRate[] }> {
  await servers.reset();
  await servers.setModel({ latencyMs: MODEL_MS });
  const measure = async (ask: Ask) => {
    const capacity = await closedLoop(ask, CAPACITY_QUESTIONS);
    const rates = 'rates' in load ? load.rates : load.shares.map((share) => capacity * share);
    const atRates: SeenAtRate[] = [];
    for (const perSecond of rates) {
      await steadyRate(ask, perSecond, SETTLE_SECONDS);
      const before = readCores();
      const seen = seenIn(await steadyRate(ask, perSecond, load.seconds));
      const after = readCores();
      atRates.push({ perSecond, seen, idle: (after.idleMs - before.idleMs) / (after.allMs - before.allMs) });
    }
    return { capacity, atRates };
  };
  return await asking(await startProduct(servers, settings), measure, load.warmUp);
}

/** Resolves with the moment when the question was accepted, in ms since the epoch. */
type Ask = () => Promise<number>;

/** Warms up, measures, and then stops the processes. */
async function asking<Result>(
  asked: Asked,
  measure: (ask: Ask) => Promise<Result>,
  warmUp = WARM_UP_QUESTIONS,
): Promise<Result> {
  const agent = new Agent({ connections: 2_000, pipelining: 1, headersTimeout: 0, bodyTimeout: 0 });
  let serial = 0;
  const ask = async () => {
    const { status, text } = await send(agent, {
      origin: asked.url,
      path: '/chat/send',
      method: 'POST',
      headers: { 'content-type': 'application/json', ...asked.headers },
      body: JSON.stringify({ message: `Question ${serial++}: how much water should I drink a day?` }),
    });
    const answer = JSON.parse(text) as { status?: string; createdAt: string };
    if (status !== 200 || answer.status !== 'completed') throw new Error(`POST /chat/send gave ${status}: ${text}`);
    return Date.parse(answer.createdAt);
  };
  try {
    await closedLoop(ask, warmUp);
    return await measure(ask);
  } finally {
    await agent.destroy();
    await asked.stop();
  }
}

async function atShares(ask: Ask, capacity: number, seconds: number, progress: (text: string) => void) {
  const seen: Seen[] = [];
  for (const share of SHARES) {
    const perSecond = capacity * share;
    progress(`${Math.round(perSecond)} a second, ${share * 100} % of ${Math.round(capacity)}`);
    await steadyRate(ask, perSecond, SETTLE_SECONDS);
    const times = await steadyRate(ask, perSecond, seconds);
    seen.push(seenIn(times));
  }
  return seen;
}

/**
 * Sends a request with undici's `dispatch`. The objects that `undici.request` makes live until the next full garbage
 * collection. With them, the smaller collections halted this process for 30 ms every few seconds, which was counted as
 * time of the answers that arrived meanwhile.
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

/** Returns how many answers come in a second while each asker always has one open question. */
async function closedLoop(ask: Ask, questions: number): Promise<number> {
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

/** Returns the times of all questions, in ms. */
async function steadyRate(ask: Ask, perSecond: number, seconds: number) {
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

const seenIn = (times: { fromDue: number[]; fromAccepted: number[] }): Seen => ({
  fromDue: latency(times.fromDue),
  fromAccepted: latency(times.fromAccepted),
});

function latency(times: readonly number[]): Latency {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (quantile: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * quantile))]! - MODEL_MS;
  return { p50: at(0.5), p99: at(0.99), p999: at(0.999) };
}
