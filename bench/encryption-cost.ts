import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { type Contender, pipeline } from './contenders.ts';
import { type DrainResult, drain } from './drain.ts';
import { describeMachine } from './machine.ts';
import { openLoopAt, type SeenAtRate } from './open-loop.ts';
import { startServers } from './servers.ts';
import { ratios, spread } from './statistics.ts';

// What encryption costs the product: `npm run bench:encryption-cost`.

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    'open-loop-rounds': { type: 'string', default: '3' },
    seconds: { type: 'string', default: '10' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (values.help) {
  console.log(`Measures what encryption costs, on against off, in pairs and in another order each round:

  instant drain  a worker answers a queue of other services' questions, of 100 users, with a model that answers at once
                 and cached answers for their own user, which is the default
  open loop      api and worker are asked at steady rates: an eighth, a quarter and half of what they answer without
                 encryption if each of 150 users asks again at once (closed loop)

  npm run bench:encryption-cost -- [--rounds N] [--open-loop-rounds N] [--seconds S]

  --rounds N            pairs of the drain (default 3)
  --open-loop-rounds N  pairs of the open loop (default 3), about two minutes each
  --seconds S           how long each rate is measured (default 10)
`);
  process.exit(0);
}
const [rounds, openLoopRounds, seconds] = [values.rounds, values['open-loop-rounds'], values.seconds].map(Number) as [
  number,
  number,
  number,
];
const WARM_UP = 10_000;
const MESSAGES = 20_000;
const OPEN_LOOP_WARM_UP = 4_000;
/** Of the capacity. */
const SHARES = [1 / 8, 1 / 4, 1 / 2];

const names = ['off', 'on'] as const;
type Name = (typeof names)[number];
const settings: Record<Name, Record<string, string>> = {
  off: { CACHE_SCOPE: 'user', ENCRYPTION_KEYS: '' },
  on: { CACHE_SCOPE: 'user', ENCRYPTION_KEYS: `k1:${randomBytes(32).toString('base64')}` },
};
const inTurn = (round: number) => (round % 2 === 0 ? names : names.toReversed());
const contenderWith = (env: Record<string, string>): Contender => ({
  ...pipeline,
  start: (to, options) => pipeline.start(to, { ...options, env }),
});

const servers = await startServers();
try {
  console.table(await describeMachine(servers));
  const drained: Record<Name, DrainResult[]> = { off: [], on: [] };
  for (let round = 0; round < rounds; round += 1) {
    for (const name of inTurn(round)) {
      const result = await drain(servers, contenderWith(settings[name]), {
        ...{ model: 'instant', warmUp: WARM_UP, messages: MESSAGES },
        question: (i) => ({ message: `Question ${i}: how much water should I drink a day?` }),
      });
      drained[name].push(result);
      process.stderr.write(`drain ${round + 1}/${rounds} ${name}: ${Math.round(result.perSecond)} messages a second\n`);
    }
  }
  const row = (of: (result: DrainResult) => number, digits: number) => ({
    off: middle(drained.off.map(of), digits),
    on: middle(drained.on.map(of), digits),
    'on / off': middle(ratios(drained.on.map(of), drained.off.map(of)), 2),
  });
  if (rounds > 0) {
    console.log('\ninstant drain');
    console.table({
      'messages a second': row(({ perSecond }) => perSecond, 0),
      'CPU of the worker, ms a message': row(({ cpuMs }) => cpuMs, 3),
      'CPU of Redis, ms a message': row(({ redisCpuMs }) => redisCpuMs, 3),
    });
  }

  const loops: Record<Name, Awaited<ReturnType<typeof openLoopAt>>[]> = { off: [], on: [] };
  let rates: readonly number[] | undefined;
  for (let round = 0; round < openLoopRounds; round += 1) {
    for (const name of inTurn(round)) {
      const load = rates ? { rates } : { shares: SHARES };
      const measured = await openLoopAt(servers, settings[name], { ...load, seconds, warmUp: OPEN_LOOP_WARM_UP });
      rates = measured.atRates.map(({ perSecond }) => perSecond);
      loops[name].push(measured);
      const p50s = measured.atRates.map(({ seen }) => seen.fromAccepted.p50.toFixed(0)).join(', ');
      process.stderr.write(`open loop ${round + 1}/${openLoopRounds} ${name}: p50 ${p50s} ms\n`);
    }
  }
  if (rates !== undefined) {
    const [off, on] = [loops.off, loops.on].map((all) => all.map(({ capacity }) => capacity)) as [number[], number[]];
    console.log('\nclosed loop');
    console.table({
      'questions a second': { off: middle(off, 0), on: middle(on, 0), 'on / off': middle(ratios(on, off), 2) },
    });
  }
  for (const [index, rate] of rates?.entries() ?? []) {
    const compared = (digits: number, of: (each: SeenAtRate) => number) => {
      const [off, on] = [loops.off, loops.on].map((all) => all.map(({ atRates }) => of(atRates[index]!))) as [
        number[],
        number[],
      ];
      const more = on.map((each, round) => each - off[round]!);
      return { off: middle(off, digits), on: middle(on, digits), 'on - off': middle(more, digits) };
    };
    console.log(`\nopen loop, ${Math.round(rate)} questions a second`);
    console.table({
      'accepted to answered, p50, ms without the model': compared(1, ({ seen }) => seen.fromAccepted.p50),
      'due to answered, p50, ms without the model': compared(1, ({ seen }) => seen.fromDue.p50),
      'due to answered, p99, ms without the model': compared(1, ({ seen }) => seen.fromDue.p99),
      'idle time of the cores, %': compared(0, ({ idle }) => idle * 100),
    });
  }
} finally {
  await servers.stop();
}

function middle(values: readonly number[], digits: number): string {
  const { median, min, max } = spread(values);
  return `${median.toFixed(digits)} (${min.toFixed(digits)} to ${max.toFixed(digits)})`;
}
