import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { newRequestId } from '../src/adapters/jobs/job-shards.ts';
import { startRedisCluster } from '../tools/services/redis-cluster.ts';
import { makeRunFolder, removeFolder } from '../tools/services/run-folder.ts';
import { type Contender, pipeline } from './contenders.ts';
import { type DrainOptions, type DrainResult, drain } from './drain.ts';
import { describeMachine } from './machine.ts';
import { type Servers, startServers } from './servers.ts';
import { ratios, spread } from './statistics.ts';

// What several queues of jobs cost on one Redis, and what they bring on several: `npm run bench:shards`.

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    shards: { type: 'string', default: '4' },
    cluster: { type: 'boolean', default: false },
    'ids-of-others': { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (values.help) {
  console.log(`Measures how fast a worker drains a queue at an instant model with several queues of jobs against one. Both run in turn,
the other one first in each round, and each pair is compared.

  npm run bench:shards -- [--rounds N] [--shards N] [--cluster] [--ids-of-others]

  --cluster        on a Redis Cluster of three nodes, with two workers. One queue is on one node, several are on all
  --ids-of-others  with random ids of requests, as other publishers make them. Left out: ids as our apis make them
`);
  process.exit(0);
}
const rounds = Number(values.rounds);
const shards = values.shards;

const workload: DrainOptions = {
  model: 'instant',
  warmUp: 10_000,
  messages: 15_000,
  question: (i) => ({ message: `Question ${i}: how much water should I drink a day?`, cache: false }),
  processes: values.cluster ? 2 : 1,
  ...(!values['ids-of-others'] && { requestIdOf: (userId) => newRequestId(userId, Number(shards)) }),
};
const withShards = (count: string): Contender => ({
  ...pipeline,
  start: (to, options) => pipeline.start(to, { ...options, env: { JOB_SHARDS: count } }),
});

const own = await startServers();
const dir = makeRunFolder('bench-shards');
const cluster = values.cluster ? await startRedisCluster({ dir: join(dir, 'cluster'), replicas: 0 }) : undefined;
const servers: Servers = cluster ? { ...own, redisUrl: cluster.url, reset } : own;
try {
  console.table(await describeMachine(servers));
  const contenders = { one: withShards('1'), several: withShards(shards) };
  const results: Record<keyof typeof contenders, DrainResult[]> = { one: [], several: [] };
  for (let round = 0; round < rounds; round += 1) {
    for (const who of round % 2 === 0 ? (['one', 'several'] as const) : (['several', 'one'] as const)) {
      const result = await drain(servers, contenders[who], workload);
      results[who].push(result);
      process.stderr.write(
        `${round + 1}/${rounds} ${who}: ${Math.round(result.perSecond)} msg/s, ${result.cpuMs.toFixed(3)} ms of workers, ${result.redisCpuMs.toFixed(3)} ms of Redis\n`,
      );
    }
  }
  console.log(`\n${shards} queues / one queue, on ${cluster ? 'a Redis Cluster of three nodes' : 'one Redis'}`);
  const row = (of: (result: DrainResult) => number, digits: number) => {
    const { median, min, max } = spread(ratios(results.several.map(of), results.one.map(of)));
    const middle = (all: readonly DrainResult[]) => spread(all.map(of)).median.toFixed(digits);
    return {
      'one queue': middle(results.one),
      [`${shards} queues`]: middle(results.several),
      'median of the ratios': median.toFixed(2),
      'all pairs': `${min.toFixed(2)} to ${max.toFixed(2)}`,
    };
  };
  console.table({
    'messages a second': row(({ perSecond }) => perSecond, 0),
    'CPU of workers, ms a message': row(({ cpuMs }) => cpuMs, 3),
    'CPU of Redis, ms a message': row(({ redisCpuMs }) => redisCpuMs, 3),
    'CPU of RabbitMQ, ms a message': row(({ rabbitMqCpuMs }) => rabbitMqCpuMs, 3),
    ...(!cluster && { 'commands of Redis a message': row(({ redisCommands }) => redisCommands, 1) }),
  });
} finally {
  await cluster?.kill();
  await own.stop();
  removeFolder(dir);
}

/** Also removes what is in the cluster. */
async function reset(): Promise<void> {
  await own.reset();
  for (const node of cluster!.nodes) {
    const redis = cluster!.connect(node);
    await redis.flushall();
    redis.disconnect();
  }
}
