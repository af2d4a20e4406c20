import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import { openChatQueue } from '../src/adapters/jobs/job-shards.ts';
import { readUncertainSpend } from '../src/adapters/model/uncertain-spend.ts';
import { REQUESTS_QUEUE, RESPONSES_QUEUE } from '../src/contracts/queues.ts';
import { seededRandom } from '../tools/simulator/random.ts';
import { type Asker, converse, look, type Seen, seenNothing } from './ask.ts';
import { audit, type Evidence, type Kill } from './audit.ts';
import { readQueues, sendPoison } from './poison.ts';
import { printFindings } from './print-findings.ts';
import { planConversations } from './questions.ts';
import { searchLogs } from './search-logs.ts';
import { JWT_SECRET, MESSAGE_SIGNING_KEY, type Stack, startStack, VICTIMS, type Victim } from './stack.ts';
import { useAccounts } from './use-accounts.ts';

const HELP = `Kills things at random while questions are asked, and checks how each of them ended.

  npm run chaos -- [--requests N] [--kills K] [--seed S] [--rate R] [--settle S] [--outage S]

  --requests N    questions, asked at a steady rate (default 1000)
  --kills K       SIGKILLs of worker, api, Redis and RabbitMQ in turn, at random moments (default 8)
  --seed S        the same questions, victims and moments again (default: random, and printed)
  --rate R        questions per second (default 50)
  --settle S      seconds to wait for the last answers (default 90); questions still open then count as stuck
  --outage S      the model is down for S seconds in the middle, and fails in no other way (default 0)

Faults on purpose, each of which the run must find:

  --break-acks      acknowledge before handling
  --swap-answers    give some questions the answer to the one before
  --double-letters  keep each unreadable message twice
  --log-texts       log what some messages say

Two apis and two workers as in production, on a private RabbitMQ and Redis, with a model simulator that fails in every
way it can. Some questions continue a session, some wait for their answer, some are cancelled. In the end each accepted
question must have exactly one terminal state, and its answer must be the one that follows from the question and its
session. Nothing that a user wrote, and no token, password or email may be in a log. Exits with 1 on any violation.
`;

const POISON_EVERY = 50;
const ODD_SHOWN = 10;
/** The longest time between the simulator's reply and the answer in the job. */
const JUST_ANSWERED_MS = 500;
/** How long the harness waits at the end for questions that are still open, or cannot be read. */
const CONCLUDE_MS = 30_000;
const DOWN_MS = { least: 300, most: 3_000 };

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '1000' },
    kills: { type: 'string', default: '8' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e9)) },
    rate: { type: 'string', default: '50' },
    settle: { type: 'string', default: '90' },
    outage: { type: 'string', default: '0' },
    'break-acks': { type: 'boolean', default: false },
    'swap-answers': { type: 'boolean', default: false },
    'double-letters': { type: 'boolean', default: false },
    'log-texts': { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
const [requests, kills, seed, rate, settle, outage] = (
  ['requests', 'kills', 'seed', 'rate', 'settle', 'outage'] as const
).map((name) => {
  const value = Number(values[name]);
  if (!Number.isInteger(value) || value < 0) {
    process.stderr.write(`--${name} must be a whole number\n`);
    process.exit(2);
  }
  return value;
}) as [number, number, number, number, number, number];

const random = seededRandom(seed);
const conversations: Seen[][] = planConversations(requests, seed, random, { faults: outage === 0 }).map(seenNothing);
const killPlan = planKills();
const poison: string[] = [];
const killed: Kill[] = [];

console.log(`seed ${seed}: ${requests} questions, ${rate}/s, ${kills} kills`);
const faults = (['break-acks', 'swap-answers', 'double-letters', 'log-texts'] as const).filter((name) => values[name]);
const stack = await startStack({ preload: faults.map((name) => join(import.meta.dirname, 'faults', `${name}.ts`)) });
const over = new AbortController();
const asker: Asker = { apiUrls: stack.apiUrls, signal: over.signal, odd: [] };
process.once('SIGINT', () => void stack.stop(false).then(() => process.exit(130)));
const progress = setInterval(report, 5_000);
try {
  const deadline = Date.now() + (requests / rate + settle) * 1000;
  const watches = askAll();
  const accounts = useAccounts(asker);
  const poisonings = poisonAll(stack);
  const outages = haveOutage(stack);
  await killAll(stack);
  const outageCalls = await outages;
  await Promise.race([watches, sleep(deadline - Date.now(), undefined, { ref: false })]);
  over.abort();
  await poisonings;
  report();
  await conclude(stack, outageCalls, await accounts);
} finally {
  clearInterval(progress);
  const dir = await stack.stop(process.exitCode === 1);
  if (process.exitCode === 1) console.log(`logs: ${dir}`);
}

/** Returns the first result of `look` that is wanted, or its last result if none comes in time. */
async function within<T>(ms: number, look: () => Promise<T>, isWanted: (found: T) => boolean): Promise<T> {
  const end = Date.now() + ms;
  for (;;) {
    const found = await look();
    if (isWanted(found) || Date.now() > end) return found;
    await sleep(200);
  }
}

async function sleepUntil(at: number): Promise<void> {
  await sleep(Math.max(0, at - Date.now()));
}

/** Plans when to kill what: each kind in turn, spread over the time of asking. */
function planKills(): { victim: Victim; atMs: number; downMs: number }[] {
  const wholeMs = (requests / rate) * 1000;
  return Array.from({ length: kills }, (_, i) => ({
    victim: VICTIMS[i % VICTIMS.length]!,
    atMs: ((i + 0.2 + random() * 0.8) / kills) * wholeMs,
    downMs: DOWN_MS.least + random() * (DOWN_MS.most - DOWN_MS.least),
  }));
}

/** Begins each conversation when it is due, whatever happened to the earlier ones. Waits for all answers. */
async function askAll(): Promise<void> {
  const startedAt = Date.now();
  let before = 0;
  const conversing = conversations.map(async (conversation) => {
    const beginAt = startedAt + (before / rate) * 1000;
    before += conversation.length;
    await sleepUntil(beginAt);
    await converse(asker, conversation);
  });
  await Promise.all(conversing);
}

async function poisonAll({ rabbitMqUrl }: Stack): Promise<void> {
  const startedAt = Date.now();
  for (let i = 0; i < requests; i += POISON_EVERY) {
    await sleepUntil(startedAt + (i / rate) * 1000);
    const body = `poison ${seed} ${i}`;
    poison.push(body);
    await sendPoison(rabbitMqUrl, i % (2 * POISON_EVERY) === 0 ? REQUESTS_QUEUE : RESPONSES_QUEUE, body);
  }
}

async function killAll(stack: Stack): Promise<void> {
  const startedAt = Date.now();
  await Promise.all(
    killPlan.map(async ({ victim, atMs, downMs }) => {
      await sleepUntil(startedAt + atMs);
      const { calls } = await stack.control<{ calls: { endedAt: string | null }[] }>('calls');
      const at = Date.now();
      const underWay = calls.filter(({ endedAt }) => endedAt === null || Date.parse(endedAt) > at - JUST_ANSWERED_MS);
      killed.push({ victim, at, callsUnderWay: underWay.length });
      await stack.kill(victim, downMs);
    }),
  );
}

/** Makes the model fail in the middle of the run. Returns how many calls were made meanwhile. */
async function haveOutage(stack: Stack): Promise<number> {
  if (outage === 0) return 0;
  await sleep(((requests / rate - outage) / 2) * 1000);
  await stack.control('behavior', { mode: 'error', status: 503 });
  const from = Date.now();
  await sleep(outage * 1000);
  const to = Date.now();
  await stack.control('behavior', {});
  const { calls } = await stack.control<{ calls: { startedAt: string }[] }>('calls');
  return calls.filter(({ startedAt }) => Date.parse(startedAt) >= from && Date.parse(startedAt) <= to).length;
}

function report(): void {
  const asked = conversations.flat();
  const accepted = asked.filter(({ sessionId }) => sessionId).length;
  const ended = asked.filter(({ first }) => first).length;
  console.log(
    `  accepted ${accepted}, ended ${ended} of ${requests}; killed ${killed.map(({ victim }) => victim).join(' ')}`,
  );
}

async function conclude(stack: Stack, outageCalls: number, credentials: string[]): Promise<void> {
  const final: Evidence['final'] = new Map();
  for (const [first] of conversations) {
    if (!first?.sessionId) continue;
    const session = await within(
      CONCLUDE_MS,
      () => look(asker, { ...first, userId: first.question.userId }),
      (found) => found !== undefined,
    );
    if (session) final.set(first.sessionId, session.turns);
  }
  const redis = new Redis(stack.redisUrl);
  const queue = openChatQueue(redis);
  const unfinished = async () => {
    const { wait = 0, prioritized = 0, delayed = 0, active = 0 } = await queue.getJobCounts();
    return wait + prioritized + delayed + active;
  };
  // If a worker was killed after it had answered, another worker takes the job once more.
  const leftInJobs = await within(CONCLUDE_MS, unfinished, (count) => count === 0);
  const uncertain = await readUncertainSpend(redis);
  await queue.close();
  redis.disconnect();
  const { waiting, deadLetters } = await readQueues(stack.rabbitMqUrl);
  const { started, abortedByClient } = await stack.control<{ started: number; abortedByClient: number }>('stats');
  const logs = await searchLogs(stack.logDir, [
    ...conversations.flat().map(({ question }) => question.text),
    ...poison,
    ...credentials,
    JWT_SECRET,
    MESSAGE_SIGNING_KEY,
  ]);
  const findings = audit({
    asked: conversations,
    final,
    kills: killed,
    poison,
    deadLetters,
    leftInQueues: waiting,
    leftInJobs,
    modelCalls: started,
    callsCutOff: abortedByClient,
    uncertainSpend: Object.values(uncertain).reduce((sum, count) => sum + count, 0),
    outage: { seconds: outage, calls: outageCalls },
    died: stack.died.length,
    odd: asker.odd.length,
    logs,
  });

  if (!printFindings(`seed ${seed}`, findings)) return;
  process.exitCode = 1;
  for (const reply of asker.odd.slice(0, ODD_SHOWN)) console.log(`  a reply that no outage explains: ${reply}`);
  for (const line of [...logs.leaks, ...logs.malformed].slice(0, ODD_SHOWN))
    console.log(`  a line of the log: ${line}`);
  for (const output of stack.died) console.log(`\n--- the last words of a process that died by itself\n${output}`);
}
