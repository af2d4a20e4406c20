import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { MongoClient } from 'mongodb';
import { createBodySeals } from '../src/adapters/encryption/body-seals.ts';
import { createDataKeys } from '../src/adapters/encryption/data-keys.ts';
import { createConfiguredMasterKeys } from '../src/adapters/encryption/master-keys.ts';
import { openChatQueue } from '../src/adapters/jobs/job-shards.ts';
import { readUncertainSpend } from '../src/adapters/model/uncertain-spend.ts';
import { connectRedis } from '../src/adapters/redis/connect-redis.ts';
import type { Redis } from '../src/adapters/redis/redis.ts';
import { REQUESTS_QUEUE, RESPONSES_QUEUE } from '../src/contracts/queues.ts';
import type { OwnBodySeals } from '../src/contracts/sealing.ts';
import { dataKeyStoreOf } from '../src/main/encryption.ts';
import { createLogger } from '../src/observability/log.ts';
import { seededRandom } from '../tools/simulator/random.ts';
import { buildPages } from '../tools/web/build-pages.ts';
import { type Asker, converse, look, type Seen, seenNothing } from './ask.ts';
import { audit, type Evidence, type Fault } from './audit.ts';
import { inflictAll, planFaults } from './inflict.ts';
import { readQueues, sendPoison } from './poison.ts';
import { printFindings } from './print-findings.ts';
import { beginOf, planConversations } from './questions.ts';
import { searchEverywhere } from './search-everywhere.ts';
import { searchLogs } from './search-logs.ts';
import { startClusters } from './servers/cluster.ts';
import { JWT_SECRET, MESSAGE_SIGNING_KEY, type Stack, startStack } from './stack.ts';
import { useAccounts } from './use-accounts.ts';

const HELP = `Kills things at random while questions are asked, and checks how each of them ended.

  npm run chaos -- [--cluster] [--requests N] [--kills K] [--cuts C] [--seed S] [--rate R] [--settle S] [--outage S]

  --requests N    questions, asked at a steady rate (default 1000)
  --kills K       SIGKILLs of worker, api, Redis and RabbitMQ in turn, at random moments (default 8)
  --seed S        the same questions, victims and moments again (default: random, and printed)
  --rate R        questions per second (default 50)
  --settle S      seconds to wait for the last answers (default 90; 120 with --cluster); questions still open then count as
                  stuck
  --outage S      the model is down for S seconds in the middle, and fails in no other way (default 0)

  --cluster         three nodes of RabbitMQ, a Redis primary with two replicas and three Sentinels, MongoDB or FerretDB
                    where there is one, and two apis behind a proxy with three workers. Also kills Sentinels and MongoDB.
                    One fault at a time: the next one waits until the servers have recovered
  --redis-cluster   with --cluster: a Redis Cluster of three primaries and three replicas, in place of the Sentinels
  --without-mongodb with --cluster: keeps everything in Redis
  --cuts C          with --cluster: cuts of the network for 20 s, which take a queue's leader or a Redis primary away from
                    the other servers, or from everybody (default 0). They need Linux

Faults on purpose, each of which the run must find:

  --break-acks      acknowledge before handling
  --swap-answers    give some questions the answer to the one before
  --double-letters  keep each unreadable message twice
  --log-texts       log what some messages say
  --show-texts      show what some messages say in metrics, on pages and in traces
  --plain-texts     encrypt nothing, so that texts are in all stores; the other faults need it as well

Two apis and two workers as in production, on a private RabbitMQ and Redis, with a model simulator that fails in every
way it can. Some questions continue a session, some wait for their answer, some are cancelled. In the end each accepted
question must have exactly one terminal state, and its answer must be the one that follows from the question and its
session. Nothing that a user wrote, and no token, password or email may be in a log. No question may be readable in the files of the
servers, in MongoDB's documents, in logs, metrics and traces, and on the pages of operators. Exits with 1 on any violation.
`;

const POISON_EVERY = 50;
const ODD_SHOWN = 10;
/** How long the harness waits at the end for questions that are still open, or cannot be read. */
const CONCLUDE_MS = 30_000;
/** How long each question may still take after the last fault. */
const SECONDS_TO_SETTLE = { single: 60, cluster: 90 };

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '1000' },
    kills: { type: 'string', default: '8' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e9)) },
    rate: { type: 'string', default: '50' },
    cluster: { type: 'boolean', default: false },
    'redis-cluster': { type: 'boolean', default: false },
    'without-mongodb': { type: 'boolean', default: false },
    cuts: { type: 'string', default: '0' },
    settle: { type: 'string' },
    outage: { type: 'string', default: '0' },
    'break-acks': { type: 'boolean', default: false },
    'swap-answers': { type: 'boolean', default: false },
    'double-letters': { type: 'boolean', default: false },
    'log-texts': { type: 'boolean', default: false },
    'show-texts': { type: 'boolean', default: false },
    'plain-texts': { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
values.settle ??= values.cluster ? '120' : '90';
if (!values.cluster && (values.cuts !== '0' || values['redis-cluster'] || values['without-mongodb'])) {
  process.stderr.write('--cuts, --redis-cluster and --without-mongodb need --cluster\n');
  process.exit(2);
}
const [requests, kills, cuts, seed, rate, settle, outage] = (
  ['requests', 'kills', 'cuts', 'seed', 'rate', 'settle', 'outage'] as const
).map((name) => {
  const value = Number(values[name]);
  if (!Number.isInteger(value) || value < 0) {
    process.stderr.write(`--${name} must be a whole number\n`);
    process.exit(2);
  }
  return value;
}) as [number, number, number, number, number, number, number];

const random = seededRandom(seed);
const conversations: Seen[][] = planConversations(requests, seed, random, { faults: outage === 0 }).map(seenNothing);
const poison: string[] = [];
const faults: Fault[] = [];

console.log(`seed ${seed}: ${requests} questions, ${rate}/s, ${kills} kills, ${cuts} cuts`);
const onPurpose = (['break-acks', 'swap-answers', 'double-letters', 'log-texts', 'show-texts'] as const).filter(
  (name) => values[name],
);
// The end of the run reads them.
await buildPages();
const masterKey = { id: 'chaos', key: randomBytes(32) };
const stack = await startStack({
  settings: values['plain-texts'] ? {} : { ENCRYPTION_KEYS: `${masterKey.id}:${masterKey.key.toString('base64')}` },
  preload: onPurpose.map((name) => join(import.meta.dirname, 'faults', `${name}.ts`)),
  ...(values.cluster && {
    startServers: (dir) =>
      startClusters(dir, {
        redis: values['redis-cluster'] ? 'redis-cluster' : 'sentinel',
        mongoDb: !values['without-mongodb'],
      }),
  }),
});
const plan = planFaults({ stack, kills, cuts, wholeMs: (requests / rate) * 1000, random });
const over = new AbortController();
const asker: Asker = { apiUrls: stack.apiUrls, signal: over.signal, odd: [] };
process.once('SIGINT', () => void stack.stop(false).then(() => process.exit(130)));
const progress = setInterval(report, 5_000);
try {
  const askedAt = Date.now() + (requests / rate) * 1000;
  const watches = askAll();
  const accounts = useAccounts(asker);
  const poisonings = poisonAll(stack);
  const outages = haveOutage(stack);
  await inflictAll(stack, plan, (fault) => faults.push(fault));
  const outageCalls = await outages;
  await sleepUntil(askedAt);
  await Promise.race([watches, sleep(settle * 1000, undefined, { ref: false })]);
  over.abort();
  await poisonings;
  report();
  await conclude(stack, outageCalls, await accounts);
} catch (error) {
  // So that the logs stay.
  process.exitCode = 1;
  throw error;
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
  const suffered = faults.map(({ kind, victim }) => (kind === 'kill' ? victim : `(cut ${victim})`));
  console.log(`  accepted ${accepted}, ended ${ended} of ${requests}; killed ${suffered.join(' ')}`);
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
  const redis = connectRedis({ url: stack.redisUrl, name: 'chaos', logger: createLogger('api', 'silent') });
  const queue = openChatQueue(redis);
  const unfinished = async () => {
    const { wait = 0, prioritized = 0, delayed = 0, active = 0 } = await queue.getJobCounts();
    return wait + prioritized + delayed + active;
  };
  // If a worker was killed after it had answered, another worker takes the job once more.
  const leftInJobs = await within(CONCLUDE_MS, unfinished, (count) => count === 0);
  const uncertain = await readUncertainSpend(redis);
  await queue.close();
  const requestIds = conversations.flat().flatMap(({ requestId }) => requestId ?? []);
  // Before the dead letters are taken away.
  const places = await searchEverywhere({ stack, redis, text: beginOf(seed), requestIds });
  const { waiting, deadLetters } = await readQueues(stack.rabbitMqUrl, await letterSeals(stack, redis));
  redis.disconnect();
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
    faults,
    secondsToSettle: values.cluster ? SECONDS_TO_SETTLE.cluster : SECONDS_TO_SETTLE.single,
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
    places,
  });

  if (!printFindings(`seed ${seed}`, findings)) return;
  process.exitCode = 1;
  for (const reply of asker.odd.slice(0, ODD_SHOWN)) console.log(`  a reply that no outage explains: ${reply}`);
  for (const line of [...logs.leaks, ...logs.malformed].slice(0, ODD_SHOWN))
    console.log(`  a line of the log: ${line}`);
  for (const output of stack.died) console.log(`\n--- the last words of a process that died by itself\n${output}`);
}

/** Opens dead letters. */
async function letterSeals({ settings }: Stack, redis: Redis): Promise<OwnBodySeals> {
  const mongoDb = settings.MONGODB_URL === undefined ? undefined : await MongoClient.connect(settings.MONGODB_URL);
  const masterKeys = createConfiguredMasterKeys([masterKey]);
  const store = dataKeyStoreOf({ redis, db: mongoDb?.db() });
  const seals = await createBodySeals(createDataKeys({ store, masterKeys })).forOpening();
  await mongoDb?.close();
  return seals;
}
