import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { celery, celeryMissing, everyContender } from './contenders.ts';
import { describeMachine } from './machine.ts';
import { openLoop } from './open-loop.ts';
import { report } from './report.ts';
import type { Results } from './results.ts';
import { type Servers, startServers } from './servers.ts';
import { workloads } from './workloads.ts';

const OPEN_LOOP = 'open-loop';
const names = [...workloads({ million: false }).map(({ name }) => name), OPEN_LOOP];
const contenderNames = everyContender.map(({ name }) => name);
const HELP = `Measures this pipeline and what people would use instead, side by side.

  npm run bench -- [--rounds N] [--only NAME,...] [--contenders NAME,...] [--scale X] [--seconds S] [--no-million] [--json] [--no-docs]

  --rounds N      how often each contender is measured, in another order each time (default 3)
  --only NAMES    of: ${names.join(', ')}
  --contenders NAMES
                  of: ${contenderNames.join(', ')}
  --scale X       multiplies the number of messages (default 1)
  --seconds S     how long each rate of the open loop is held (default 15)
  --no-million    leave out the backlog of a million messages, which takes minutes
  --json          print the samples as JSON instead of the tables
  --no-docs       leave docs/benchmarks.md as it is

It starts a private RabbitMQ, Redis and model simulator. The run ends if a contender leaves a message without an answer, or
gives it two. A whole run writes its tables into docs/benchmarks.md.
`;

const DOCS = join(import.meta.dirname, '../docs/benchmarks.md');
const [BEGIN, END] = ['<!-- measured: npm run bench -->', '<!-- end of what was measured -->'];

const { values } = parseArgs({
  allowNegative: true,
  options: {
    rounds: { type: 'string', default: '3' },
    only: { type: 'string' },
    contenders: { type: 'string' },
    scale: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '15' },
    million: { type: 'boolean', default: true },
    json: { type: 'boolean', default: false },
    docs: { type: 'boolean', default: true },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
const [rounds, scale, seconds] = (['rounds', 'scale', 'seconds'] as const).map((name) => {
  const value = Number(values[name]);
  if (!(value > 0)) usage(`--${name} must be a number above 0`);
  return value;
}) as [number, number, number];
const only = chosenOf('only', names);
const onlyContenders = chosenOf('contenders', contenderNames);
const wanted = (name: string) => only === undefined || only.includes(name);

const missing = celeryMissing();
if (missing) progress(missing);
const chosen = workloads({ million: values.million })
  .filter(({ name }) => wanted(name))
  .map((workload) => ({
    ...workload,
    contenders: workload.contenders.filter(
      ({ contender }) =>
        (contender !== celery || !missing) && (onlyContenders === undefined || onlyContenders.includes(contender.name)),
    ),
  }))
  .filter(({ contenders }) => contenders.length > 0);

const results: Results = {
  machine: {},
  rounds,
  workloads: chosen.map(({ name, title, contenders }) => ({
    name,
    title,
    entries: contenders.map((entry) => ({ title: entry.title, samples: [] })),
  })),
  openLoop: [],
};
let servers: Servers | undefined;
process.once('SIGINT', () => void Promise.resolve(servers?.stop()).then(() => process.exit(130)));
try {
  for (let round = 0; round < rounds; round += 1) {
    const say = (name: string, text: string) => progress(`round ${round + 1}/${rounds}  ${name}  ${text}`);
    progress('starting RabbitMQ, Redis and the model simulator ...');
    // Each round has new servers. The open loop comes first, because servers stay busy for a while after a million
    // messages.
    servers = await startServers();
    results.machine = await describeMachine(servers);
    if (wanted(OPEN_LOOP)) {
      results.openLoop.push(await openLoop(servers, seconds, (text) => say(OPEN_LOOP, text)));
    }
    for (const [index, { name, contenders }] of chosen.entries()) {
      for (let turn = 0; turn < contenders.length; turn += 1) {
        // Each round begins with another contender.
        const at = (turn + round) % contenders.length;
        const { title, run } = contenders[at]!;
        const sample = await run(servers, scale);
        results.workloads[index]!.entries[at]!.samples.push(sample);
        say(name, `${title}: ${Math.round(sample.perSecond)} msg/s`);
      }
    }
    await servers.stop();
    servers = undefined;
  }
  const text = report(results);
  console.log(values.json ? JSON.stringify(results, null, 2) : text);
  if (only === undefined && onlyContenders === undefined && values.docs) writeDocs(text);
} catch (error) {
  if (Object.keys(results.machine).length > 0) progress(`what was measured before the error:\n\n${report(results)}`);
  throw error;
} finally {
  await servers?.stop();
}

/** Writes to standard error, because standard output is for the results. */
function progress(text: string): void {
  process.stderr.write(`${text}\n`);
}

function chosenOf(option: 'only' | 'contenders', known: readonly string[]): string[] | undefined {
  const chosen = values[option]?.split(',');
  const unknown = chosen?.find((name) => !known.includes(name));
  if (unknown) usage(`--${option}: there is no ${unknown}; there are ${known.join(', ')}`);
  return chosen;
}

function usage(problem: string): never {
  process.stderr.write(`${problem}\n`);
  process.exit(2);
}

/** Replaces the figures of the previous run in the document. The text around them stays. */
function writeDocs(text: string): void {
  const before = existsSync(DOCS) ? readFileSync(DOCS, 'utf8') : `# Benchmarks\n\n${BEGIN}\n${END}\n`;
  const [head, rest] = before.split(BEGIN);
  const tail = rest?.split(END)[1];
  if (head === undefined || tail === undefined) throw new Error(`${DOCS} has lost its marks: ${BEGIN} and ${END}`);
  writeFileSync(DOCS, `${head}${BEGIN}\n\n${text}\n\n${END}${tail}`);
  progress(`written to ${DOCS}`);
}
