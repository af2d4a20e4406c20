import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { openChatQueue } from '../src/adapters/jobs/job-shards.ts';
import { RESPONSES_QUEUE } from '../src/contracts/queues.ts';
import { pipeline } from './contenders.ts';
import { fill } from './drain.ts';
import { type Servers, startServers } from './servers.ts';

// Measures what finished requests leave in Redis, by kind: `npm run bench:memory`. The worker as it is shipped answers
// them, over a real broker. The answers have this length, and are made in the process.

const REQUESTS = 20_000;
const ANSWER_BYTES = 4_096;
const PATIENCE_MS = 300_000;
const SCAN_COUNT = 1_000;
const MB = 2 ** 20;

const kinds: readonly { name: string; matches: RegExp; ofJobs: boolean }[] = [
  { name: 'finished jobs that stay in Bull Board', matches: /^\{healify\}:chat:r-/, ofJobs: true },
  { name: 'recognition of finished requests', matches: /^\{healify\}:chat:finished/, ofJobs: true },
  { name: 'lists of jobs, events', matches: /^\{healify\}:chat:/, ofJobs: true },
  { name: 'answer cache (CACHE_TTL)', matches: /^\{ai:answer:/, ofJobs: false },
  { name: 'last answers of sessions (CACHE_TTL)', matches: /^ai:response:/, ofJobs: false },
  { name: 'other keys', matches: /./, ofJobs: false },
];

const usedMemory = async (redis: Redis) => Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1]);

/** How many keys and bytes there are of each kind, by MEMORY USAGE. */
async function measureKinds(redis: Redis): Promise<Map<string, { keys: number; bytes: number }>> {
  const found = new Map(kinds.map(({ name }) => [name, { keys: 0, bytes: 0 }]));
  let cursor = '0';
  do {
    const [next, keys] = await redis.scan(cursor, 'COUNT', SCAN_COUNT);
    cursor = next;
    const usage = redis.pipeline();
    for (const key of keys) usage.memory('USAGE', key, 'SAMPLES', 0);
    const bytes = (await usage.exec()) ?? [];
    for (const [index, key] of keys.entries()) {
      const kind = found.get(kinds.find(({ matches }) => matches.test(key))!.name)!;
      kind.keys += 1;
      kind.bytes += Number(bytes[index]![1] ?? 0);
    }
  } while (cursor !== '0');
  return found;
}

async function answerAll(servers: Servers, env: Record<string, string>): Promise<void> {
  const unanswered = new Set<string>();
  const channel = await servers.broker.createChannel();
  await channel.consume(
    RESPONSES_QUEUE,
    (message) => {
      if (!message) return;
      const { requestId, response } = JSON.parse(message.content.toString()) as { requestId: string; response: string };
      if (Buffer.byteLength(response) !== ANSWER_BYTES) throw new Error('An answer has another length.');
      unanswered.delete(requestId);
    },
    { noAck: true },
  );
  const queue = openChatQueue(servers.redis);
  const worker = await pipeline.start(servers, {
    model: 'instant',
    concurrency: pipeline.concurrency.instant,
    env: { ANSWER_BYTES: String(ANSWER_BYTES), ...env },
  });
  try {
    const question = (i: number) => ({ message: `Question ${i}: how much water should I drink a day?` });
    await fill(servers, pipeline, unanswered, { from: 0, count: REQUESTS, question });
    const end = performance.now() + PATIENCE_MS;
    while (unanswered.size > 0 || (await queue.getActiveCount()) > 0) {
      if (performance.now() > end || !worker.running) throw new Error(`not all were answered\n${worker.output()}`);
      await sleep(100);
    }
  } finally {
    await worker.stop();
    await channel.close();
    await queue.close();
  }
}

if (process.argv.includes('--help')) {
  console.log(`Measures what finished requests leave in Redis, by kind, with the cache and without it; takes about a minute.

  npm run bench:memory
`);
  process.exit(0);
}

const servers = await startServers();
try {
  for (const cacheEnabled of ['true', 'false']) {
    await servers.reset();
    const before = await usedMemory(servers.redis);
    await answerAll(servers, { CACHE_ENABLED: cacheEnabled });
    const total = (await usedMemory(servers.redis)) - before;
    const found = await measureKinds(servers.redis);
    const row = (bytes: number, keys?: number) => ({
      keys: keys ?? '',
      MB: Number((bytes / MB).toFixed(2)),
      'bytes a request': Number((bytes / REQUESTS).toFixed(1)),
    });
    const sum = (of: typeof kinds) => of.reduce((bytes, { name }) => bytes + found.get(name)!.bytes, 0);
    console.log(`\n${REQUESTS} finished requests with answers of ${ANSWER_BYTES} bytes, CACHE_ENABLED=${cacheEnabled}`);
    console.table({
      ...Object.fromEntries([...found].map(([name, { keys, bytes }]) => [name, row(bytes, keys)])),
      'all of the jobs': row(sum(kinds.filter(({ ofJobs }) => ofJobs))),
      "Redis's own tables": row(total - sum(kinds)),
      'all that used_memory grew by': row(total),
    });
  }
} finally {
  await servers.stop();
}
