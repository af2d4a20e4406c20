import { setTimeout as sleep } from 'node:timers/promises';
import { peakResidentBytes, processTree, readUsage } from '../usage.ts';
import { bindToOneCore, canBind } from './cores.ts';
import { delaysOf } from './delays.ts';
import { askForStreams, setStreams, TOKENS_PER_SECOND, watchLogs } from './logs.ts';
import { startPart } from './product.ts';
import type { Row } from './row.ts';

const STREAMS = 500;
/** Streams last half a minute. */
const TOKENS = 600;
const STREAM_MS = (TOKENS / TOKENS_PER_SECOND) * 1000;
const MEASURED_MS = 30_000;
const ASK_MS = 200;

/**
 * One worker on one core, and everything else on the others. Streams begin and end all the time, so that there are always so many.
 * What is measured is when the tokens arrive where an api listens.
 */
export const oneWorker: Row = async (servers, progress) => {
  if (!canBind()) progress('there is no taskset, or only one core: the worker is not bound to one core');
  const { redis } = servers;
  await servers.reset();
  await setStreams(servers, TOKENS);
  const worker = await startPart('worker', servers, { WORKER_CONCURRENCY: String(2 * STREAMS) });
  const { pid } = worker.process;
  const logs = await watchLogs(servers);
  const others = processTree(process.pid).filter((other) => other !== pid);
  const release = canBind() ? bindToOneCore(pid, others) : () => {};
  let asked = 0;
  const startedAt = performance.now();
  const asking = setInterval(() => {
    const due = Math.floor(((performance.now() - startedAt) / STREAM_MS) * STREAMS) - asked;
    if (due < 1) return;
    asked += due;
    void askForStreams(servers, asked - due, due);
  }, ASK_MS);
  try {
    progress(`up to ${STREAMS} streams, in ${STREAM_MS / 1000} s`);
    await sleep(STREAM_MS + 2_000);
    const before = await readUsage(redis, [pid]);
    const from = performance.now();
    logs.reset();
    await sleep(MEASURED_MS);
    const { max, p99, median, tokens } = delaysOf(logs.delays);
    const seconds = (performance.now() - from) / 1000;
    const after = await readUsage(redis, [pid]);
    const share = (of: 'cpuMs' | 'redisCpuMs' | 'rabbitMqCpuMs') => ((after[of] - before[of]) / seconds / 1000) * 100;
    return [
      { what: 'streams', measured: tokens / seconds / TOKENS_PER_SECOND, unit: '', goal: { least: 0.98 * STREAMS } },
      { what: 'latest delta', measured: max, unit: 'ms', goal: { below: 250 } },
      { what: 'delta, p99', measured: p99, unit: 'ms' },
      { what: 'delta, median', measured: median, unit: 'ms' },
      { what: 'memory of the worker', measured: peakResidentBytes(pid) / 2 ** 20, unit: 'MB', goal: { below: 700 } },
      { what: 'worker, of its core', measured: share('cpuMs'), unit: '%' },
      { what: 'Redis, of the other core', measured: share('redisCpuMs'), unit: '%' },
    ];
  } finally {
    clearInterval(asking);
    release();
    logs.close();
    await worker.process.kill();
  }
};
