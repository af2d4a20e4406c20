import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { conversationIndexes } from '../src/adapters/conversations/mongodb/documents.ts';
import { createMongoDbConversationStore } from '../src/adapters/conversations/mongodb-conversation-store.ts';
import { createRedisConversationStore } from '../src/adapters/conversations/redis-conversation-store.ts';
import { connectMongoDb } from '../src/adapters/mongodb/connect-mongodb.ts';
import { createIndexes } from '../src/adapters/mongodb/indexes.ts';
import { connectRedis } from '../src/adapters/redis/connect-redis.ts';
import type { ChatResponse } from '../src/contracts/chat-response.ts';
import { plainTexts } from '../src/contracts/sealing.ts';
import { startRedis } from '../tools/services/redis.ts';
import { makeRunFolder, removeFolder } from '../tools/services/run-folder.ts';
import { makeSessions, RETENTION_MS } from './history/made-sessions.ts';
import { useMongoDb } from './mongodb.ts';

// What questions that have ended leave in Redis once their sessions are idle: `npm run bench:idle-memory`. The questions are begun
// and ended by the stores of the api. Jobs and cached answers are measured by `npm run bench:memory`.

const USERS = 1_000;
const IDLE_MS = 1_000;
const REPLICA = 'bench';

const { values } = parseArgs({
  options: {
    questions: { type: 'string', default: '100000' },
    mongodb: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  },
});
if (values.help) {
  console.log(`Measures what questions that have ended leave in Redis once their sessions are idle.

  npm run bench:idle-memory -- [--questions 100000] [--mongodb URL|local]

  --questions  how many questions end, 20 in each session
  --mongodb    the history is in this MongoDB; local: one is started, or FerretDB, which is slow with more than some hundred;
               left out: in Redis
`);
  process.exit(0);
}
const questions = Number(values.questions);

const dir = makeRunFolder('bench');
const server = await startRedis({ dir });
const logger = pino({ level: 'silent' });
const redis = connectRedis({ url: server.url, name: 'bench', logger });
const info = new Redis(server.url);
const mongoDb = values.mongodb === undefined ? undefined : await useMongoDb(values.mongodb, dir);
const connection =
  mongoDb &&
  connectMongoDb({
    ...{ url: `${mongoDb.url}/bench-${process.pid}`, name: 'bench', logger, maxPoolSize: 20 },
    ...{ commandTimeoutMs: 300_000, connectTimeoutMs: 5_000, retryWrites: true, writeConcern: 'majority' },
  });
if (connection) await createIndexes(connection.db, conversationIndexes);
const common = { redis, seals: plainTexts, retentionMs: RETENTION_MS, replica: REPLICA };
// A session that begins is looked for in MongoDB first. FerretDB would read the whole collection for that.
const live = createRedisConversationStore(common);
const store = connection ? createMongoDbConversationStore({ ...common, db: connection.db, idleMs: IDLE_MS }) : live;
const usedBytes = async () => Number(/used_memory:(\d+)/.exec(await info.info('memory'))![1]);

const before = await usedBytes();
let ended = 0;
async function settle(response: ChatResponse): Promise<void> {
  for (const outcome of await store.settle([response]))
    if (outcome !== 'settled') throw new Error(`an answer was ${outcome}`);
  ended += 1;
  if (process.stderr.isTTY) process.stderr.write(`\r${ended} questions have ended`);
}
for (const { sessionId, userId, turns } of makeSessions({ turns: questions, users: USERS })) {
  for (const { requestId, number, message, createdAt, response } of turns) {
    const question = { sessionId, userId, requestId, message, createdAt, dueInMs: 900_000 };
    const outcome = await live.begin(question, { newSession: number === 0 });
    if (outcome !== 'begun') throw new Error(`a question was ${outcome}`);
    await live.confirm(sessionId, requestId, { hurry: true });
    await settle(response);
  }
}
const inUse = (await usedBytes()) - before;
await sleep(IDLE_MS + 1_000);
// Redis removes expired keys bit by bit, or when somebody looks at them.
let cursor = '0';
do [cursor] = await info.scan(cursor, 'COUNT', 1_000);
while (cursor !== '0');
const idle = (await usedBytes()) - before;
const mb = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB (${(bytes / questions).toFixed(0)} bytes each)`;
console.log(`${questions} questions that have ended, history in ${mongoDb?.name ?? 'Redis'}:
  right after the last: ${mb(inUse)}
  once all sessions are idle: ${mb(idle)}; ${await info.dbsize()} keys are left`);

await connection?.db.dropDatabase();
await connection?.close();
await mongoDb?.stop();
redis.disconnect();
info.disconnect();
await server.stop();
removeFolder(dir);
