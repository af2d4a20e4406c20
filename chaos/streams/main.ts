import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Accepted, TurnWithSession } from '../../src/contracts/http/chat-bodies.ts';
import { seededRandom } from '../../tools/simulator/random.ts';
import { type Asker, call, isTerminal, look, tokenOf } from '../ask.ts';
import { printFindings } from '../print-findings.ts';
import { startStack, type Victim } from '../stack.ts';
import { auditStreams, type Followed } from './audit.ts';
import { followWithCuts, type Reader, readWhole } from './follow.ts';

const HELP = `Cuts readers of streamed answers at random, and compares what they got with an uninterrupted stream.

  npm run chaos:streams -- [--cuts N] [--kills K] [--seed S] [--settle S]

  --cuts N      cuts of connections by their readers (default 1000)
  --kills K     SIGKILLs of worker, api and Redis in turn, spread over the cuts (default 12)
  --seed S      the same questions, kills and lengths of connections again (default: random, and printed)
  --settle S    seconds to wait for the last ends (default 120); readers without an end then have missed it

  --spoil-streams   a fault on purpose, which the run must find: apis lose some events, and send some twice

Two apis and two workers as in production, on a private RabbitMQ and Redis. Several answers are streamed at once, each to
several readers. A reader is cut after a random time, and resumes at an api at random after the last event that it has. Some
streams break off at the model and begin again, and some are stopped by their user. Exits with 1 on any violation.
`;

const VICTIMS: readonly Victim[] = ['worker', 'api', 'redis'];
const STREAMS_AT_ONCE = 6;
const READERS = 3;
const DOWN_MS = { least: 300, most: 2_000 };
const LOOK_MS = 200;
/** What the model does with the questions, in turn. */
const KINDS: { marker: string; stop?: true }[] = [
  { marker: 'tokens-per-second=25 tokens=150' },
  { marker: 'tokens-per-second=50 tokens=150' },
  { marker: 'tokens-per-second=25 tokens=120 break-at=60 times=1' },
  { marker: 'tokens-per-second=25 tokens=200', stop: true },
];
const STOP_WITHIN_MS = 6_000;
/** How long the harness waits at the end for a turn that is still open, or cannot be read. */
const CONCLUDE_MS = 30_000;
const ODD_SHOWN = 10;
/** A stream that lasts some seconds must not be over because of its length. */
const SETTINGS = { MODEL_TIMEOUT: '120s', MODEL_TOKEN_TIMEOUT: '10s' };

/** A streamed question, and what its readers have got. */
interface Asked extends Pick<Followed, 'stopped' | 'readings'> {
  userId: string;
  /** '' until it is accepted. */
  sessionId: string;
  requestId: string;
}

const { values } = parseArgs({
  options: {
    cuts: { type: 'string', default: '1000' },
    kills: { type: 'string', default: '12' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e9)) },
    settle: { type: 'string', default: '120' },
    'spoil-streams': { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
const [cuts, kills, seed, settle] = (['cuts', 'kills', 'seed', 'settle'] as const).map((name) => {
  const value = Number(values[name]);
  if (!Number.isInteger(value) || value < 0) {
    process.stderr.write(`--${name} must be a whole number\n`);
    process.exit(2);
  }
  return value;
}) as [number, number, number, number];

const random = seededRandom(seed);
const killPlan = Array.from({ length: kills }, (_, i) => ({
  victim: VICTIMS[i % VICTIMS.length]!,
  afterCuts: Math.floor(((i + 0.1 + random() * 0.8) / kills) * cuts),
  downMs: DOWN_MS.least + random() * (DOWN_MS.most - DOWN_MS.least),
}));
const killed: Victim[] = [];
const streams: Asked[] = [];
let cutsSoFar = 0;

console.log(`seed ${seed}: ${cuts} cuts, ${kills} kills`);
const preload = values['spoil-streams'] ? [join(import.meta.dirname, '../faults/spoil-streams.ts')] : [];
const stack = await startStack({ preload, settings: SETTINGS });
const over = new AbortController();
const asker: Asker = { apiUrls: stack.apiUrls, signal: over.signal, odd: [] };
process.once('SIGINT', () => void stack.stop(false).then(() => process.exit(130)));
const progress = setInterval(report, 5_000);
try {
  const following = Promise.all(Array.from({ length: STREAMS_AT_ONCE }, followAll));
  await killAll();
  while (cutsSoFar < cuts) await sleep(LOOK_MS);
  const giveUp = setTimeout(() => over.abort(), settle * 1000);
  await following;
  clearTimeout(giveUp);
  report();
  await conclude();
} finally {
  clearInterval(progress);
  const dir = await stack.stop(process.exitCode === 1);
  if (process.exitCode === 1) console.log(`logs: ${dir}`);
}

/** Has one stream after the other until there were enough cuts. */
async function followAll(): Promise<void> {
  while (cutsSoFar < cuts && !over.signal.aborted) await followOne(streams.length);
}

/** Asks a question, and reads its stream to the end. */
async function followOne(index: number): Promise<void> {
  const { marker, stop } = KINDS[index % KINDS.length]!;
  const userId = `stream-user-${index}`;
  const stopAfterMs = stop && random() * STOP_WITHIN_MS;
  const seeds = Array.from({ length: READERS }, () => random() * 2 ** 32);
  const stream: Asked = { userId, sessionId: '', requestId: '', stopped: stop ?? false, readings: [] };
  streams.push(stream);
  const question = { message: `Stream ${index} of ${seed}? [[simulate ${marker}]]`, stream: true };
  const accepted = await untilReplied<Accepted>('/chat/send', userId, question);
  if (!accepted) return;
  Object.assign(stream, { sessionId: accepted.sessionId, requestId: accepted.requestId });
  const stopping = stopAfterMs === undefined ? undefined : stopOne(stream, stopAfterMs);
  const readers = seeds.map(async (each) => ({ ...(await readerOf(stream, over.signal)), random: seededRandom(each) }));
  const noteCut = () => {
    cutsSoFar += 1;
  };
  stream.readings.push(...(await Promise.all(readers.map(async (reader) => followWithCuts(await reader, noteCut)))));
  await stopping;
}

async function stopOne({ userId, requestId }: Asked, afterMs: number): Promise<void> {
  await sleep(afterMs);
  await untilReplied<TurnWithSession>(`/chat/requests/${requestId}/cancel`, userId, {});
}

/** Repeats a request until an api can answer it. undefined: the run is over. */
async function untilReplied<T>(path: string, userId: string, body: object): Promise<T | undefined> {
  const headers = { 'Content-Type': 'application/json', 'Idempotency-Key': randomUUID() };
  while (!over.signal.aborted) {
    const reply = await call<T>(asker, path, userId, { method: 'POST', headers, body: JSON.stringify(body) });
    if (reply) return reply;
    await sleep(LOOK_MS);
  }
  return undefined;
}

async function readerOf({ userId, requestId }: Asked, signal: AbortSignal): Promise<Reader> {
  return { apiUrls: stack.apiUrls, token: await tokenOf(userId), requestId, random, signal };
}

/** Kills the victims of the plan, each once there were so many cuts. */
async function killAll(): Promise<void> {
  for (const { victim, afterCuts, downMs } of killPlan) {
    while (cutsSoFar < afterCuts) await sleep(LOOK_MS);
    killed.push(victim);
    await stack.kill(victim, downMs);
  }
}

function report(): void {
  const ended = streams.filter(({ readings }) => readings.length > 0).length;
  console.log(`  ${cutsSoFar} cuts, ${ended} of ${streams.length} streams over; killed ${killed.join(' ')}`);
}

/** Reads each stream once more without a cut, and its turn, after everything has settled. */
async function conclude(): Promise<void> {
  const accepted = streams.filter(({ requestId }) => requestId !== '');
  const followed: Followed[] = [];
  for (const stream of accepted) {
    const { turn, whole } = await within(CONCLUDE_MS, async () => {
      const session = await look(asker, stream);
      const turn = session?.turns.find(({ requestId }) => requestId === stream.requestId);
      const whole = await readWhole(await readerOf(stream, AbortSignal.timeout(CONCLUDE_MS)));
      return { turn, whole, settled: turn && isTerminal(turn) && whole.events.at(-1)?.id !== undefined };
    });
    followed.push({ ...stream, whole, turn });
  }
  const findings = auditStreams(followed, { kills: killed, died: stack.died.length, odd: asker.odd.length });
  if (!printFindings(`seed ${seed}`, findings)) return;
  process.exitCode = 1;
  for (const reply of asker.odd.slice(0, ODD_SHOWN)) console.log(`  a reply that no outage explains: ${reply}`);
  for (const output of stack.died) console.log(`\n--- the last words of a process that died by itself\n${output}`);
}

/** Returns the first result that has settled, or the last one if none comes in time. */
async function within<T extends { settled: unknown }>(ms: number, read: () => Promise<T>): Promise<T> {
  const end = Date.now() + ms;
  for (;;) {
    const found = await read();
    if (found.settled || Date.now() > end) return found;
    await sleep(LOOK_MS);
  }
}
