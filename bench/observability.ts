import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startGuarded } from '../tools/services/guarded-process.ts';
import { type Contender, pipeline, unwatched } from './contenders.ts';
import { type DrainOptions, type DrainResult, drain } from './drain.ts';
import { describeMachine } from './machine.ts';
import { startServers } from './servers.ts';
import { spread } from './statistics.ts';

// What metrics, logs, the search over jobs and traces cost a worker: `npm run bench:observability`.

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    only: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

const question = (i: number) => ({ message: `Question ${i}: how much water should I drink a day?` });
interface Workload {
  title: string;
  latencyMs: number;
  drain: DrainOptions;
}
/** Each has a warm-up that is long enough for Node to compile the code. */
const workloads: Record<string, Workload> = {
  instant: {
    title: 'instant model, in the process',
    latencyMs: 0,
    drain: { model: 'instant', warmUp: 30_000, messages: 20_000, question },
  },
  'http-0': {
    title: 'HTTP model, 0 ms',
    latencyMs: 0,
    drain: { model: 'http', warmUp: 6_000, messages: 8_000, question },
  },
  'http-50': {
    title: 'HTTP model, 50 ms, 25 at once',
    latencyMs: 50,
    drain: { model: 'http', warmUp: 2_000, messages: 3_000, question, concurrency: 25 },
  },
};

if (values.help) {
  console.log(`Measures what watching costs a worker: it drains a queue with nothing watched, then with metrics, logs and the search over
jobs as they are shipped, then with every request traced as well. The three run in turn, in another order each round, and each is
compared with the one before it of the same round. The collector's own CPU time is not counted, but it uses the same machine.

  npm run bench:observability -- [--rounds N] [--only ${Object.keys(workloads).join(',')}]
`);
  process.exit(0);
}
const rounds = Number(values.rounds);
const chosen = values.only?.split(',') ?? Object.keys(workloads);

const servers = await startServers();
let collectorUrl = '';
const collector = await startGuarded(process.execPath, [join(import.meta.dirname, 'discard-spans.ts')], {
  onLine: (line) => {
    collectorUrl ||= /listening on (\S+)/.exec(line)?.[1] ?? '';
  },
});
while (collectorUrl === '') await sleep(20);
const asShipped = (env: Record<string, string>): Contender => ({
  ...pipeline,
  start: (to, options) => pipeline.start(to, { ...options, env: { LOG_LEVEL: 'info', ...env } }),
});
try {
  const contenders = {
    nothing: unwatched,
    watched: asShipped({}),
    traced: asShipped({ OTEL_EXPORTER_OTLP_ENDPOINT: collectorUrl }),
  };
  type Name = keyof typeof contenders;
  const names = Object.keys(contenders) as Name[];
  console.table(await describeMachine(servers));
  for (const name of chosen) {
    const workload = workloads[name];
    if (!workload) throw new Error(`there is no workload ${name}`);
    await servers.setModel({ latencyMs: workload.latencyMs });
    const results: Record<Name, DrainResult[]> = { nothing: [], watched: [], traced: [] };
    for (let round = 0; round < rounds; round += 1) {
      for (let turn = 0; turn < names.length; turn += 1) {
        const who = names[(turn + round) % names.length]!;
        const result = await drain(servers, contenders[who], workload.drain);
        results[who].push(result);
        process.stderr.write(
          `${name} ${round + 1}/${rounds} ${who}: ${Math.round(result.perSecond)} msg/s, ${result.cpuMs.toFixed(3)} ms\n`,
        );
      }
    }
    console.log(`\n${workload.title}`);
    console.table({
      'metrics, logs, search': compare(results.nothing, results.watched),
      'traces of every request': compare(results.watched, results.traced),
    });
  }
} finally {
  await collector.kill();
  await servers.stop();
}

/** What the second costs beyond the first, pair by pair. CPU times are per message. */
function compare(without: readonly DrainResult[], together: readonly DrainResult[]): Record<string, string> {
  const percent = (of: (result: DrainResult) => number) => {
    const { median, min, max } = spread(together.map((result, round) => (of(result) / of(without[round]!) - 1) * 100));
    return `${median.toFixed(1)} % (${min.toFixed(1)} to ${max.toFixed(1)})`;
  };
  const middle = (results: readonly DrainResult[], of: (result: DrainResult) => number) =>
    spread(results.map(of)).median;
  const all = ({ cpuMs, redisCpuMs, rabbitMqCpuMs }: DrainResult) => cpuMs + redisCpuMs + rabbitMqCpuMs;
  const fromTo = (of: (result: DrainResult) => number) =>
    `${middle(without, of).toFixed(3)} to ${middle(together, of).toFixed(3)}`;
  return {
    'messages a second': percent(({ perSecond }) => perSecond),
    'CPU of worker': percent(({ cpuMs }) => cpuMs),
    'ms of worker': fromTo(({ cpuMs }) => cpuMs),
    'CPU with Redis, RabbitMQ': percent(all),
    'ms of all': fromTo(all),
  };
}
