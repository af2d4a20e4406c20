import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { describeMachine } from './machine.ts';
import { startServers } from './servers.ts';
import { againstResumable } from './streams/against-resumable.ts';
import { concurrency } from './streams/concurrency.ts';
import { firstToken } from './streams/first-token.ts';
import { oneApi } from './streams/one-api.ts';
import { oneWorker } from './streams/one-worker.ts';
import { redisCalls } from './streams/redis-calls.ts';
import { isMissed, type Row } from './streams/row.ts';

// How soon a reader has what a model writes, and what a stream costs: `npm run bench:streams`.

const rows: Record<string, { title: string; measure: Row }> = {
  'first-token': { title: '100 streams of 20 tokens a second, through the whole product', measure: firstToken },
  'redis-calls': { title: '100 streams: what a batch of deltas costs Redis', measure: redisCalls },
  'one-worker': { title: 'One worker on one core, 20 tokens a second each', measure: oneWorker },
  'one-api': { title: 'One api with 2,000 idle and 500 active readers', measure: oneApi },
  'resumable-stream': { title: 'The same streams in the manner of resumable-stream', measure: againstResumable },
  concurrency: { title: 'Requests without a stream, by how many a worker works on at once', measure: concurrency },
};

const { values } = parseArgs({
  options: { only: { type: 'string' }, help: { type: 'boolean', short: 'h', default: false } },
});
if (values.help) {
  console.log(`Measures streamed answers, on a private RabbitMQ, Redis and model simulator; takes about eight minutes. Every token
is the time when the simulator writes it. Exits with 1 if a goal is missed.

  npm run bench:streams -- [--only ROW,...]

${Object.entries(rows)
  .map(([name, { title }]) => `  ${name.padEnd(18)}${title}`)
  .join('\n')}
`);
  process.exit(0);
}
const chosen = values.only?.split(',') ?? Object.keys(rows);
const unknown = chosen.find((name) => !(name in rows));
if (unknown) {
  process.stderr.write(`--only: there is no ${unknown}; there are ${Object.keys(rows).join(', ')}\n`);
  process.exit(2);
}

execFileSync('npm', ['run', '-s', 'build'], { cwd: join(import.meta.dirname, '..'), stdio: 'ignore' });
const servers = await startServers();
try {
  console.table(await describeMachine(servers));
  for (const name of chosen) {
    const { title, measure } = rows[name]!;
    const figures = await measure(servers, (text) => process.stderr.write(`${name}  ${text}\n`));
    console.log(`\n${name}: ${title}`);
    console.table(
      Object.fromEntries(
        figures.map((figure) => {
          const { what, measured, unit, goal } = figure;
          const asText = goal && ('below' in goal ? `under ${goal.below} ${unit}` : `at least ${goal.least}`);
          const verdict = { goal: asText ?? '', reached: goal ? !isMissed(figure) : '' };
          return [what, { measured: Number(measured.toPrecision(4)), unit, ...verdict }];
        }),
      ),
    );
    if (figures.some(isMissed)) process.exitCode = 1;
  }
} finally {
  await servers.stop();
}
