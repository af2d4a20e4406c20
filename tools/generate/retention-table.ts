import { settings } from '../../src/config/settings.ts';
import { type Enforcer, type Limit, retention } from '../../src/contracts/retention.ts';
import { storeNames } from './kept-data-table.ts';

const enforcers: Record<Enforcer, string> = {
  store: 'its time to live',
  sweeper: 'the sweeper',
  product: 'ends with its work',
  people: 'people',
};

/** The table of `docs/retention.md`: how long everything is kept. */
export const retentionTable = () =>
  [
    '## How long everything is kept',
    '',
    '| `name` | what it is | where | how long | who sees to it | sweeps |',
    '|---|---|---|---|---|---|',
    ...Object.entries(retention).map(([name, { what, store, limit, enforcedBy, sweeps = [] }]) => {
      const cells = [`\`${name}\``, what, storeNames[store], textOf(limit), enforcers[enforcedBy]];
      return `| ${[...cells, sweeps.map((sweep) => `\`${sweep}\``).join(', ')].join(' | ')} |`;
    }),
  ].join('\n');

function textOf(limit: Limit): string {
  if ('until' in limit) return `until ${limit.until}`;
  const atMost = 'upTo' in limit ? ', at most twice as long' : '';
  const time = 'setting' in limit ? `\`${limit.setting}\` (${defaultOf(limit.setting)})` : daysOf(limit.ms);
  return `${time} after ${limit.after}${atMost}`;
}

const defaultOf = (env: string): string =>
  Object.values(settings)
    .flatMap((group) => Object.values(group))
    .find((setting) => setting.env === env)!.default!;

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['s', 1_000],
] as const;

function daysOf(ms: number): string {
  const [unit, size] = UNITS.find(([, unitMs]) => ms % unitMs === 0)!;
  return `${ms / size}${unit}`;
}
