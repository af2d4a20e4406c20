import type { Costs } from './costs.ts';
import { type Load, type Plan, planFor, type Unit } from './plan.ts';

/** Rates that the document shows, of answers as long as this. */
export const SHOWN = { rates: [100, 1_000, 10_000], answerSeconds: 20, tokensPerSecond: 30 };

const format = (value: number) =>
  value >= 100 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(2)));

/** Tables in Markdown for loads that differ in their rates. */
export function report(loads: readonly Load[], costs: Costs, unit?: Unit): string {
  const plans = loads.map((load) => planFor(load, costs, unit));
  const rates = loads.map(({ rate }) => `${format(rate)} requests/s`);
  const [first] = plans;
  const figures = first!.figures.map(({ what, unit: of }, row) => [
    of ? `${what}, ${of}` : what,
    ...plans.map(({ figures: all }) => format(all[row]!.value)),
  ]);
  const needed = first!.limits.map(({ what, rate }) => [
    what,
    format(rate),
    ...plans.map((plan: Plan) => format(plan.limits.find((limit) => limit.what === what)!.needed)),
  ]);
  return [
    table(['what is used', ...rates], figures),
    'What one of each bears, the one that is used up first on top, and how many are needed:',
    table(['what is needed', 'one bears, requests/s', ...rates], needed),
  ].join('\n\n');
}

/** What was measured, as a table in Markdown. */
export function costTable({ perRequest, perToken }: Costs): string {
  const rows = Object.entries(NAMES).map(([key, name]) => [
    name,
    format(perRequest[key as keyof typeof NAMES]),
    String(Number(perToken[key as keyof typeof NAMES].toPrecision(2))),
  ]);
  return table(['cost', 'of a request', 'of a token of its answer'], rows);
}

const NAMES: Record<keyof Costs['perRequest'], string> = {
  redisCommands: 'Redis: commands',
  redisCpuMs: 'Redis: CPU, ms',
  redisNetworkBytes: 'Redis: network, bytes',
  redisDiskBytes: 'Redis: append-only file, bytes',
  logWrites: 'Redis: entries of the answer log',
  redisLogBytes: 'Redis: memory of the answer log, bytes',
  redisCacheBytes: 'Redis: memory of cached answers, bytes',
  redisSessionBytes: 'Redis: memory of the session in use, bytes',
  redisOtherBytes: 'Redis: memory of all else, bytes',
  rabbitMqMessages: 'RabbitMQ: messages, published and delivered',
  rabbitMqCpuMs: 'RabbitMQ: CPU, ms',
  rabbitMqNetworkBytes: 'RabbitMQ: network, bytes',
  rabbitMqDiskBytes: 'RabbitMQ: disk, bytes',
  mongoDbWrites: 'MongoDB: documents written',
  mongoDbBytes: 'MongoDB: bytes of them',
  apiCpuMs: 'api: CPU, ms',
  workerCpuMs: 'worker: CPU, ms',
};

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), `|---|${'---:|'.repeat(head.length - 1)}`, ...rows.map(line)].join('\n');
}
