import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createMongoDbConversationStore } from '../src/adapters/conversations/mongodb-conversation-store.ts';
import { createRedisConversationStore } from '../src/adapters/conversations/redis-conversation-store.ts';
import type { ChatResponse } from '../src/contracts/chat-response.ts';
import { makeSessions } from './history/made-sessions.ts';
import { openStores } from './history/open-stores.ts';

// What questions that have ended leave in Redis once their sessions are idle: `npm run bench:idle-memory`. The questions are begun
// and ended by the stores of the api. Jobs and cached answers are measured by `npm run bench:memory`.

const USERS = 1_000;
const IDLE_MS = 1_000;

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

const { common, info, db, name, usedBytes, close } = await openStores(values.mongodb);
// A session that begins is looked for in MongoDB first. FerretDB would read the whole collection for that.
const live = createRedisConversationStore(common);
const store = db ? createMongoDbConversationStore({ ...common, db, idleMs: IDLE_MS }) : live;

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
console.log(`${questions} questions that have ended, history in ${name}:
  right after the last: ${mb(inUse)}
  once all sessions are idle: ${mb(idle)}; ${await info.dbsize()} keys are left`);

await close();
