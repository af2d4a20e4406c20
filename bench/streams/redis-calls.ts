import { setTimeout as sleep } from 'node:timers/promises';
import { readUsage } from '../usage.ts';
import { askForStreams, setStreams, TOKENS_PER_SECOND, watchLogs } from './logs.ts';
import { startPart } from './product.ts';
import type { Row } from './row.ts';

const STREAMS = 100;
const SECONDS = 15;

/** What a batch of deltas costs Redis while streams run, and none begins or ends. */
export const redisCalls: Row = async (servers, progress) => {
  const { redis } = servers;
  await servers.reset();
  await setStreams(servers, 2 * SECONDS * TOKENS_PER_SECOND);
  const worker = await startPart('worker', servers, { WORKER_CONCURRENCY: String(STREAMS) });
  const logs = await watchLogs(servers);
  try {
    await askForStreams(servers, 0, STREAMS);
    while (logs.logs < STREAMS) await sleep(50);
    await sleep(1_000);
    progress(`${STREAMS} streams run`);
    await redis.config('RESETSTAT');
    const before = await readUsage(redis, []);
    logs.reset();
    await sleep(SECONDS * 1000);
    const { batches } = logs;
    const { redisCpuMs } = await readUsage(redis, []);
    const [, calls, us] = /cmdstat_evalsha:calls=(\d+),usec=(\d+)/.exec(await redis.info('commandstats')) ?? [];
    return [
      {
        what: 'calls of Redis for a batch of deltas',
        measured: Number(calls) / batches,
        unit: '',
        goal: { below: 1.02 },
      },
      { what: 'time of Redis for it', measured: Number(us) / 1000 / batches, unit: 'ms', goal: { below: 0.1 } },
      { what: "Redis's CPU time for it", measured: (redisCpuMs - before.redisCpuMs) / batches, unit: 'ms' },
      { what: 'tokens in it', measured: logs.delays.length / batches, unit: '' },
    ];
  } finally {
    logs.close();
    await worker.process.stop();
  }
};
