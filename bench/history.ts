import { PerformanceObserver } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import type { ConversationStore } from '../src/adapters/conversations/conversation-store.ts';
import { createMongoDbConversationStore } from '../src/adapters/conversations/mongodb-conversation-store.ts';
import { createMongoDbHistoryArchive } from '../src/adapters/conversations/mongodb-history-archive.ts';
import { createRedisConversationStore } from '../src/adapters/conversations/redis-conversation-store.ts';
import { createRedisHistoryArchive } from '../src/adapters/conversations/redis-history-archive.ts';
import { makeSessions, userOf } from './history/made-sessions.ts';
import { openStores } from './history/open-stores.ts';
import { writeSessions } from './history/write-sessions.ts';
import { residentBytes } from './usage.ts';

// How long a page of a user's history takes where there are many turns: `npm run bench:history`. The turns are written as an
// import writes them; the pages are read by the store of the api, on a Redis of its own.

const PAGE = 50;
const WARM_UP_PAGES = 300;
const GOAL_MS = 30;

const { values } = parseArgs({
  options: {
    turns: { type: 'string', default: '1000000' },
    users: { type: 'string', default: '1000' },
    pages: { type: 'string', default: '2000' },
    mongodb: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  },
});
if (values.help) {
  console.log(`Measures pages of ${PAGE} turns of a user's history, at any depth. In Redis, a million turns take half a minute.

  npm run bench:history -- [--turns 1000000] [--users 1000] [--pages 2000] [--mongodb URL|local]

  --turns    how many turns there are
  --users    how many users they belong to
  --pages    how many pages are read
  --mongodb  the history is in this MongoDB, in a database of its own that is dropped at the end; local: one is started,
             or FerretDB; left out: in Redis
`);
  process.exit(0);
}
const [turns, users, pages] = [Number(values.turns), Number(values.users), Number(values.pages)];

const { common, db, name, usedBytes, close } = await openStores(values.mongodb);
const store: ConversationStore = db
  ? createMongoDbConversationStore({ ...common, db, idleMs: 3_600_000 })
  : createRedisConversationStore(common);
await writeSessions(
  db ? createMongoDbHistoryArchive({ db }) : createRedisHistoryArchive(common),
  makeSessions({ turns, users }),
);

interface Read {
  ms: number;
  depth: number;
}

/** Reads all pages of one user after the other, then those of the next, until there are enough. */
async function readPages(count: number): Promise<Read[]> {
  const reads: Read[] = [];
  for (let user = 0; reads.length < count; user = (user + 1) % users) {
    let cursor: string | undefined;
    for (let depth = 0; reads.length < count; depth++) {
      const start = performance.now();
      const page = await store.history(userOf(user, users), { limit: PAGE, cursor });
      reads.push({ ms: performance.now() - start, depth });
      if (page.nextCursor === null) break;
      cursor = page.nextCursor;
    }
  }
  return reads;
}

let longestPauseMs = 0;
const pauses = new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) longestPauseMs = Math.max(longestPauseMs, duration);
});
// Node optimises a function only after some thousand calls.
await readPages(Math.min(WARM_UP_PAGES, pages));
pauses.observe({ entryTypes: ['gc'] });
const before = residentBytes([process.pid]);
const reads = await readPages(pages);
const grownMb = (residentBytes([process.pid]) - before) / 2 ** 20;
pauses.disconnect();

const sorted = reads.map(({ ms }) => ms).sort((a, b) => a - b);
const quantile = (q: number) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))]!.toFixed(1);
const deepest = Math.max(...reads.map(({ depth }) => depth));
const deep = reads.filter(({ depth }) => depth === deepest).map(({ ms }) => ms);
const usedMb = (await usedBytes()) / 2 ** 20;
console.log(`${turns} turns of ${users} users in ${name}, ${reads.length} pages of ${PAGE}:
  median ${quantile(0.5)} ms, p99 ${quantile(0.99)} ms, longest ${quantile(1)} ms (goal: ${GOAL_MS} ms)
  the deepest pages (number ${deepest + 1}): ${(deep.reduce((sum, ms) => sum + ms, 0) / deep.length).toFixed(1)} ms on average
  the longest pause of the reader for collecting garbage: ${longestPauseMs.toFixed(1)} ms
  meanwhile the reader has grown by ${grownMb.toFixed(0)} MB; Redis has ${usedMb.toFixed(0)} MB`);

await close();
