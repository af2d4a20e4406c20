import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Redis } from 'ioredis';
import { BSON } from 'mongodb';
import { openChatQueue } from '../src/adapters/jobs/job-shards.ts';
import { describeMachine } from './machine.ts';
import { COSTS_FILE, type Cost, type Costs } from './scaling/costs.ts';
import { documentsOf } from './scaling/mongodb-documents.ts';
import { type Servers, startServers } from './servers.ts';
import { readEvents } from './streams/event-reader.ts';
import { startPart, tokensOfUsers } from './streams/product.ts';
import { processTree, readUsage } from './usage.ts';

// What a streamed request costs each server: `npm run bench:costs`. Short and long answers are streamed through the whole
// product. Their difference is what a token costs, and the rest is what a request costs. What runs without any request is
// measured first, and subtracted.

const TOKENS_PER_SECOND = 30;
const STREAMS = 100;
const USERS = 20;
const PHASES = { short: { tokens: 15, rounds: 12 }, long: { tokens: 300, rounds: 2 } };
const WARM_UP = { tokens: 15, rounds: 8 };
const IDLE_MS = 10_000;
/** RabbitMQ counts what it sends and receives every five seconds. */
const COUNTED_AFTER_MS = 6_000;

const { values } = parseArgs({
  options: { write: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h', default: false } },
});
if (values.help) {
  console.log(`Measures what a streamed request and a token of its answer cost Redis, RabbitMQ, MongoDB, the api and a worker; takes about
two minutes. npm run scaling computes with it.

  npm run bench:costs -- [--write]

  --write  also write it to bench/scaling/costs.json
`);
  process.exit(0);
}

/** What was used since the start, or is there. Subtract two to measure an interval. */
type Counters = Record<string, number>;

const KINDS: readonly { name: keyof Cost; matches: RegExp }[] = [
  { name: 'redisLogBytes', matches: /^\{ai:log:/ },
  { name: 'redisCacheBytes', matches: /^(\{ai:answer\}|ai:response):/ },
  { name: 'redisSessionBytes', matches: /^(chat:session:|\{chat:session:|chat:history:|\{chat:history:)/ },
  { name: 'redisOtherBytes', matches: /./ },
];

/** What the keys of each kind take, by MEMORY USAGE, and how many entries the logs have. */
async function measureKeys(redis: Redis) {
  const found = { redisLogBytes: 0, redisCacheBytes: 0, redisSessionBytes: 0, redisOtherBytes: 0, logWrites: 0 };
  let cursor = '0';
  do {
    const [next, keys] = await redis.scan(cursor, 'COUNT', 1_000);
    cursor = next;
    const usage = redis.pipeline();
    for (const key of keys) usage.memory('USAGE', key, 'SAMPLES', 0);
    const logs = keys.filter((key) => KINDS[0]!.matches.test(key));
    for (const key of logs) usage.xlen(key);
    const replies = ((await usage.exec()) ?? []).map(([, reply]) => Number(reply ?? 0));
    for (const [index, key] of keys.entries()) {
      found[KINDS.find(({ matches }) => matches.test(key))!.name as keyof typeof found] += replies[index]!;
    }
    for (const length of replies.slice(keys.length)) found.logWrites += length;
  } while (cursor !== '0');
  return found;
}

const numberIn = (text: string, name: string) => Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(text)?.[1]);

async function readServers(servers: Servers, pids: { api: number; worker: number }): Promise<Counters> {
  const { redis } = servers;
  const [api, worker] = [await readUsage(redis, [pids.api]), await readUsage(redis, [pids.worker])];
  const info = await redis.info();
  return {
    atMs: performance.now(),
    redisCommands: numberIn(info, 'total_commands_processed'),
    redisCpuMs: (numberIn(info, 'used_cpu_user') + numberIn(info, 'used_cpu_sys')) * 1000,
    redisNetworkBytes: numberIn(info, 'total_net_input_bytes') + numberIn(info, 'total_net_output_bytes'),
    redisDiskBytes: numberIn(info, 'aof_current_size'),
    rabbitMqCpuMs: api.rabbitMqCpuMs,
    ...(await rabbitMqBytes(servers)),
    apiCpuMs: api.cpuMs,
    workerCpuMs: worker.cpuMs,
  };
}

/** What RabbitMQ has received, sent and written to disk. */
async function rabbitMqBytes({ rabbitMqManagementUrl }: Servers) {
  const { username, password, origin } = new URL(rabbitMqManagementUrl);
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  await sleep(COUNTED_AFTER_MS);
  const response = await fetch(`${origin}/api/connections`, { headers: { authorization } });
  const connections = (await response.json()) as { recv_oct?: number; send_oct?: number }[];
  const network = connections.reduce((sum, { recv_oct = 0, send_oct = 0 }) => sum + recv_oct + send_oct, 0);
  const beam = processTree(process.pid).find((pid) => /^beam/.test(readFileSync(`/proc/${pid}/comm`, 'utf8')));
  const written = /^write_bytes: (\d+)/m.exec(readFileSync(`/proc/${beam}/io`, 'utf8'))?.[1];
  return { rabbitMqNetworkBytes: network, rabbitMqDiskBytes: Number(written) };
}

execFileSync('npm', ['run', '-s', 'build'], { cwd: join(import.meta.dirname, '..'), stdio: 'ignore' });
const servers = await startServers();
try {
  await servers.redis.config('SET', 'auto-aof-rewrite-percentage', '0');
  const [api, worker] = await Promise.all([
    startPart('api', servers),
    startPart('worker', servers, { WORKER_CONCURRENCY: String(2 * STREAMS) }),
  ]);
  const pids = { api: api.process.pid, worker: worker.process.pid };
  const users = await tokensOfUsers(USERS);
  const queue = openChatQueue(servers.redis);
  let asked = 0;

  /** So many streams at once; whenever one ends, another begins. Waits until nothing is left to do. */
  async function stream({ tokens, rounds }: { tokens: number; rounds: number }): Promise<number> {
    await servers.setModel({ stream: { tokensPerSecond: TOKENS_PER_SECOND, tokens } });
    const ask = async (slot: number) => {
      for (let round = 0; round < rounds; round++) {
        const reader = readEvents({
          ...{ port: api.port, method: 'POST', path: '/chat/send', token: users[slot % USERS]! },
          body: JSON.stringify({ message: `Question ${asked++}: how much water should I drink a day?` }),
          onEvents: () => {},
        });
        await reader.begun;
        await reader.ended;
      }
    };
    await Promise.all(Array.from({ length: STREAMS }, (_, slot) => ask(slot)));
    while ((await queue.getActiveCount()) > 0) await sleep(100);
    return STREAMS * rounds;
  }

  const say = (text: string) => process.stderr.write(`${text}\n`);
  say('warming up');
  await stream(WARM_UP);
  say('measuring what runs without requests');
  const first = await readServers(servers, pids);
  await sleep(IDLE_MS);
  const idle = difference(await readServers(servers, pids), first);

  const perRequest: Record<string, Counters> = {};
  let keysBefore: Counters = await measureKeys(servers.redis);
  for (const [name, phase] of Object.entries(PHASES)) {
    say(`${name} answers`);
    const before = await readServers(servers, pids);
    const requests = await stream(phase);
    const used = difference(await readServers(servers, pids), before);
    const keys: Counters = await measureKeys(servers.redis);
    const net = mapValues(used, (value, key) => value - (idle[key]! / idle.atMs!) * used.atMs!);
    perRequest[name] = mapValues({ ...net, ...difference(keys, keysBefore) }, (value) => value / requests);
    keysBefore = keys;
  }
  const documents = Object.fromEntries(
    Object.entries(PHASES).map(([name, { tokens }]) => [name, mongoDbCost(tokens)] as const),
  );
  const total = (name: keyof typeof PHASES) => ({ ...perRequest[name], ...documents[name] }) as unknown as Cost;
  const [short, long] = [total('short'), total('long')];
  const between = PHASES.long.tokens - PHASES.short.tokens;
  const perToken = mapValues(costOf(long), (value, key) => (value - costOf(short)[key]!) / between);
  const fixed = mapValues(costOf(short), (value, key) => value - perToken[key]! * PHASES.short.tokens);
  const measured: Costs = {
    machine: await describeMachine(servers),
    perRequest: rounded(fixed),
    perToken: rounded(perToken),
  };
  console.table(
    Object.fromEntries(
      Object.keys(measured.perRequest).map((key) => [
        key,
        { 'a request': measured.perRequest[key as keyof Cost], 'a token': measured.perToken[key as keyof Cost] },
      ]),
    ),
  );
  if (values.write) writeFileSync(COSTS_FILE, `${JSON.stringify(measured, null, 2)}\n`);
  await queue.close();
  await Promise.all([api.process.stop(), worker.process.stop()]);
} finally {
  await servers.stop();
}

function mongoDbCost(tokens: number) {
  const documents = documentsOf(tokens);
  return {
    mongoDbWrites: documents.length,
    mongoDbBytes: documents.reduce((sum, document) => sum + BSON.calculateObjectSize(document), 0),
    // A question and an answer, each published once and delivered once.
    rabbitMqMessages: 4,
  };
}

function costOf({ atMs: _, ...cost }: Cost & { atMs?: number }): Record<string, number> {
  return cost;
}

function difference(after: Counters, before: Counters): Counters {
  return mapValues(after, (value, key) => value - before[key]!);
}

function mapValues(of: Record<string, number>, change: (value: number, key: string) => number) {
  return Object.fromEntries(Object.entries(of).map(([key, value]) => [key, change(value, key)]));
}

/** What is below nothing is noise. */
function rounded(cost: Record<string, number>): Cost {
  return mapValues(cost, (value) => Math.max(0, Number(value.toPrecision(3)))) as unknown as Cost;
}
