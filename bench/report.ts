import type { DrainResult } from './drain.ts';
import { goals } from './goals.ts';
import type { OpenLoopResult } from './open-loop.ts';
import type { Results } from './results.ts';
import { ratios, spread } from './statistics.ts';

const number = (value: number, digits = 0) =>
  Number.isNaN(value)
    ? '-'
    : value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });

const median = (samples: readonly DrainResult[], name: keyof DrainResult) =>
  spread(samples.map((sample) => sample[name])).median;

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((cell, column) => Math.max(cell.length, ...rows.map((row) => row[column]!.length)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))).join(' | ')} |`;
  const rule = `|${widths.map((width, column) => (column === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  return [line(header), rule, ...rows.map(line)].join('\n');
}

const HEADER = [
  'contender',
  'msg/s, median',
  'min',
  'max',
  'ours is, x',
  'CPU ms/msg',
  'Redis CPU ms',
  'RabbitMQ CPU ms',
  'Redis commands',
  'Redis reads',
  'peak MB',
  'Redis MB',
  'model calls',
];

/** The results as Markdown, which also reads well in a terminal. */
export function report(results: Results): string {
  const { machine, rounds, workloads, openLoop } = results;
  const parts = [
    `${Object.entries(machine)
      .map(([name, value]) => `${name}: ${value}`)
      .join('; ')}; ${rounds} rounds.`,
  ];
  const measured = goals(results).filter((goal) => goal.measured !== undefined);
  if (measured.length > 0) {
    parts.push(
      '### Goals',
      table(
        ['workload', 'against', 'to reach', 'measured', 'reached'],
        measured.map((goal) => [goal.what, goal.against, goal.toReach, goal.measured!, goal.reached ? 'yes' : 'no']),
      ),
    );
  }
  for (const { title, entries: all } of workloads) {
    // A run that has ended early has not measured everything.
    const entries = all.filter(({ samples }) => samples.length > 0);
    if (entries.length === 0) continue;
    const speedsOf = (samples: readonly DrainResult[]) => samples.map(({ perSecond }) => perSecond);
    const ours = speedsOf(entries[0]!.samples);
    const rows = entries.map(({ title: contender, samples }) => {
      const speed = spread(speedsOf(samples));
      const per = (name: keyof DrainResult, digits: number) => number(median(samples, name), digits);
      return [
        contender,
        number(speed.median),
        number(speed.min),
        number(speed.max),
        number(spread(ratios(ours, speedsOf(samples))).median, 2),
        per('cpuMs', 2),
        per('redisCpuMs', 2),
        per('rabbitMqCpuMs', 2),
        per('redisCommands', 1),
        per('redisReads', 2),
        per('memoryMb', 0),
        per('redisMemoryMb', 0),
        per('modelCalls', 0),
      ];
    });
    parts.push(`### ${title}`, table(HEADER, rows));
  }
  if (openLoop.length > 0) {
    const medianOf = (index: number, value: (result: OpenLoopResult) => number) =>
      spread(openLoop.map(({ results }) => value(results[index]!))).median;
    const rows = openLoop[0]!.results.flatMap(({ share }, index) =>
      (['pipeline', 'limit'] as const).map((who) => [
        `${share * 100} % of capacity`,
        number(medianOf(index, ({ perSecond }) => perSecond)),
        who === 'pipeline' ? 'this pipeline' : 'limit: HTTP, broker and openai client only',
        ...(['fromDue', 'fromAccepted'] as const).flatMap((from) =>
          (['p50', 'p99', 'p999'] as const).map((name) =>
            number(
              medianOf(index, (result) => result[who][from][name]),
              1,
            ),
          ),
        ),
      ]),
    );
    parts.push(
      '### Open loop: ms to the pushed answer, less the 50 of the model, from when `POST /chat/send` was due, and from its acceptance',
      table(
        [
          'load',
          'questions/s',
          'asked',
          'due: p50',
          'due: p99',
          'due: p99.9',
          'accepted: p50',
          'accepted: p99',
          'accepted: p99.9',
        ],
        rows,
      ),
    );
  }
  return parts.join('\n\n');
}
