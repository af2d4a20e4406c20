import { parseArgs } from 'node:util';
import { COSTS_FILE, type Cost, readCosts } from './scaling/costs.ts';
import { units } from './scaling/plan.ts';
import { costTable, report, SHOWN } from './scaling/report.ts';

// How much of each server a load needs, from measured costs: `npm run scaling`.

const HELP = `Computes how much of each server a load needs, and what is used up first. The costs of a request were measured by
npm run bench:costs.

  npm run scaling -- [--rate R,...] [--answer-seconds S] [--tokens-per-second T] [--costs FILE] [--set NAME=VALUE]... [--show-costs]

  --rate R               requests a second; several rates are columns (default ${SHOWN.rates.join(',')})
  --answer-seconds S     how long an answer takes (default ${SHOWN.answerSeconds})
  --tokens-per-second T  how fast it is written (default ${SHOWN.tokensPerSecond})
  --costs FILE           other costs than bench/scaling/costs.json
  --set NAME=VALUE       another value of one cost, perRequest.NAME or perToken.NAME, or of what one server bears
  --show-costs           print the costs as well

Names of costs: ${Object.keys(readCosts().perRequest).join(', ')}
What one bears: ${Object.entries(units)
  .map(([name, value]) => `${name}=${value}`)
  .join(', ')}
`;

const { values } = parseArgs({
  options: {
    rate: { type: 'string', default: SHOWN.rates.join(',') },
    'answer-seconds': { type: 'string', default: String(SHOWN.answerSeconds) },
    'tokens-per-second': { type: 'string', default: String(SHOWN.tokensPerSecond) },
    costs: { type: 'string', default: COSTS_FILE },
    set: { type: 'string', multiple: true, default: [] },
    'show-costs': { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
const costs = readCosts(values.costs);
const unit = { ...units };
for (const text of values.set) {
  const [, name = '', value = ''] = /^([a-zA-Z.]+)=(.+)$/.exec(text) ?? [];
  const [part, cost] = name.split('.') as ['perRequest' | 'perToken', keyof Cost | undefined];
  const isCost = (part === 'perRequest' || part === 'perToken') && cost !== undefined && cost in costs[part];
  if (!isCost && !(name in unit)) usage(`--set ${text}: there is no such name`);
  const number = positive(`--set ${name}`, value);
  if (isCost) costs[part][cost] = number;
  else unit[name as keyof typeof unit] = number;
}
const answerSeconds = positive('--answer-seconds', values['answer-seconds']);
const tokensPerSecond = positive('--tokens-per-second', values['tokens-per-second']);
const loads = values.rate
  .split(',')
  .map((rate) => ({ rate: positive('--rate', rate), answerSeconds, tokensPerSecond }));
if (values['show-costs']) console.log(`${costTable(costs)}\n`);
console.log(report(loads, costs, unit));

function positive(option: string, text: string): number {
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value))) usage(`${option} must be a number above 0`);
  return value;
}

function usage(problem: string): never {
  process.stderr.write(`${problem}\n`);
  process.exit(2);
}
