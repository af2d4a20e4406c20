import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import type { ConversationStore } from '../src/adapters/conversations/conversation-store.ts';
import type { ArchivedSession, HistoryArchive } from '../src/adapters/conversations/history-archive.ts';
import { conversationIndexes } from '../src/adapters/conversations/mongodb/documents.ts';
import { createMongoDbConversationStore } from '../src/adapters/conversations/mongodb-conversation-store.ts';
import { createMongoDbHistoryArchive } from '../src/adapters/conversations/mongodb-history-archive.ts';
import { createRedisConversationStore } from '../src/adapters/conversations/redis-conversation-store.ts';
import { createRedisHistoryArchive } from '../src/adapters/conversations/redis-history-archive.ts';
import { connectMongoDb } from '../src/adapters/mongodb/connect-mongodb.ts';
import { createIndexes } from '../src/adapters/mongodb/indexes.ts';
import { startRedis } from '../tools/services/redis.ts';

// How long a page of a user's history takes where there are many turns: `npm run bench:history`. The turns are written as an
// import writes them; the pages are read by the store of the api, on a Redis of its own.

const TURNS_OF_A_SESSION = 20;
const SESSIONS_TOGETHER = 50;
const PAGE = 50;
const PAGES = 1_000;
const GOAL_MS = 30;
const RETENTION_MS = 90 * 86_400_000;
const ANSWER = 'Drink when you are thirsty, and more when it is hot. '.repeat(20);

const { values } = parseArgs({
  options: {
    turns: { type: 'string' },
    users: { type: 'string' },
    mongodb: { type: 'string' },
    help: { type: 'boolean' },
  },
});
if (values.help) {
  console.log(`Measures pages of ${PAGE} turns of a user's history, at any depth; the time grows with the turns that are written.

  npm run bench:history -- [--turns 1000000] [--users 1000] [--mongodb URL]

  --turns    how many turns there are
  --users    how many users they belong to
  --mongodb  the history is in this MongoDB, in a database of its own that is dropped at the end; left out: in Redis
`);
  process.exit(0);
}
const turns = Number(values.turns ?? 1_000_000);
const users = Number(values.users ?? 1_000);

const dir = mkdtempSync(join(tmpdir(), 'healify-bench-'));
const server = await startRedis({ dir });
const redis = new Redis(server.url, { maxRetriesPerRequest: null });
const mongoDb =
  values.mongodb === undefined
    ? undefined
    : connectMongoDb({
        ...{ url: values.mongodb, name: 'bench', logger: pino({ level: 'silent' }), maxPoolSize: 20 },
        ...{ commandTimeoutMs: 120_000, connectTimeoutMs: 5_000, retryWrites: true, writeConcern: 'majority' },
      });
const db = mongoDb?.db.client.db(`bench-${process.pid}`);
if (db) await createIndexes(db, conversationIndexes);
const common = { redis, retentionMs: RETENTION_MS, replica: 'bench' };
const store: ConversationStore = db
  ? createMongoDbConversationStore({ ...common, db, idleMs: 3_600_000 })
  : createRedisConversationStore(common);
const archive: HistoryArchive = db ? createMongoDbHistoryArchive({ db }) : createRedisHistoryArchive(common);

const startedAt = Date.now() - turns;
const userOf = (session: number) => `user-${session % users}`;

function sessionNumbered(session: number): ArchivedSession {
  const [sessionId, userId] = [`session-${session}`, userOf(session)];
  const at = (number: number) => new Date(startedAt + session * TURNS_OF_A_SESSION + number).toISOString();
  return {
    ...{ sessionId, userId, title: `Session ${session}`, createdAt: at(0), updatedAt: at(TURNS_OF_A_SESSION) },
    keptUntil: new Date(Date.now() + RETENTION_MS).toISOString(),
    turns: Array.from({ length: TURNS_OF_A_SESSION }, (_, number) => {
      const requestId = `request-${session}-${number}`;
      return {
        ...{
          requestId,
          number,
          message: 'How much water should I drink a day?',
          createdAt: at(number),
          feedback: null,
        },
        response: {
          ...{ version: 1, requestId, sessionId, userId, status: 'completed', response: ANSWER, error: null },
          ...{ model: 'm', provider: 'p', cached: false, usage: null, finishReason: 'stop', attempts: 1 },
          ...{ timings: { waitMs: 1, modelMs: 900, totalMs: 905 }, completedAt: at(number) },
        },
      };
    }),
  };
}

const sessions = Math.ceil(turns / TURNS_OF_A_SESSION);
for (let first = 0; first < sessions; first += SESSIONS_TOGETHER) {
  const count = Math.min(SESSIONS_TOGETHER, sessions - first);
  await archive.write(Array.from({ length: count }, (_, i) => sessionNumbered(first + i)));
  if (process.stderr.isTTY) process.stderr.write(`\r${(first + count) * TURNS_OF_A_SESSION} of ${turns} turns written`);
}
if (process.stderr.isTTY) process.stderr.write('\n');

/** Reads all pages of one user after the other, then those of the next, until there are enough. */
const times: { ms: number; depth: number }[] = [];
const rssBefore = process.memoryUsage().rss;
for (let user = 0; times.length < PAGES && user < users; user++) {
  let cursor: string | undefined;
  for (let depth = 0; times.length < PAGES; depth++) {
    const start = performance.now();
    const page = await store.history(userOf(user), { limit: PAGE, cursor });
    times.push({ ms: performance.now() - start, depth });
    if (page.nextCursor === null) break;
    cursor = page.nextCursor;
  }
}
const grownMb = (process.memoryUsage().rss - rssBefore) / 2 ** 20;
const sorted = times.map(({ ms }) => ms).sort((a, b) => a - b);
const quantile = (q: number) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))]!.toFixed(1);
const deepest = Math.max(...times.map(({ depth }) => depth));
const deep = times.filter(({ depth }) => depth === deepest).map(({ ms }) => ms);
console.log(`${turns} turns of ${users} users in ${db ? 'MongoDB' : 'Redis'}, ${times.length} pages of ${PAGE}:
  median ${quantile(0.5)} ms, p99 ${quantile(0.99)} ms, longest ${quantile(1)} ms (goal: ${GOAL_MS} ms)
  the deepest pages (number ${deepest + 1}): ${(deep.reduce((sum, ms) => sum + ms, 0) / deep.length).toFixed(1)} ms on average
  the process has grown by ${grownMb.toFixed(0)} MB`);

await db?.dropDatabase();
await mongoDb?.close();
redis.disconnect();
await server.stop();
rmSync(dir, { recursive: true });
