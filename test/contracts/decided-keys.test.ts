import { expect, test } from '@jest/globals';
import * as names from '../../src/contracts/redis-keys.ts';
import { retention } from '../../src/contracts/retention.ts';
import { DECISIONS, decisionsOn } from '../decided-keys.ts';

const { redisKeys } = names;
const HASH = 'a'.repeat(64);
/** What the functions that name keys are called with, if it matters. */
const ARGUMENTS: Partial<Record<keyof typeof redisKeys, string[]>> = {
  cancelled: ['{healify}', 'r-1'],
  retryRun: ['{healify}', 'run'],
  retryRunJobs: ['{healify}', 'run'],
  runningRetryRuns: ['{healify:3}'],
  retryRuns: ['{healify:3}'],
  dataKey: ['user:u'],
  erasure: [HASH],
  idempotency: ['u:1', HASH],
  resetAsks: [HASH],
  emailProofAsks: [HASH],
  mailedLinks: [HASH],
  loginTries: [HASH],
};

const made = Object.entries(redisKeys).map(([name, nameKey]) => {
  const given = ARGUMENTS[name as keyof typeof redisKeys] ?? ['a', 'b'];
  return [name, (nameKey as (...parts: string[]) => string)(...given)] as const;
});
const constants = Object.entries(names).flatMap(([name, value]) =>
  name.endsWith('_KEY') && typeof value === 'string' ? [[name, value] as const] : [],
);

test.each([...made, ...constants, ['safeWritesKey', names.safeWritesKey(1)] as const])(
  'one decision was made about %s',
  (_, key) => {
    expect({ key, decisions: decisionsOn(key).length }).toEqual({ key, decisions: 1 });
  },
);

test('whatever has something of a user has a limit, and everything that is kept in Redis has a key', () => {
  const decided = new Set(
    DECISIONS.flatMap((decision) => (decision.kept === 'nothing of a user' ? [] : decision.kept)),
  );
  for (const name of decided) expect(Object.keys(retention)).toContain(name);
  const inRedis = Object.entries(retention).filter(([, { store }]) => store !== 'rabbitmq');
  expect(inRedis.map(([name]) => name).filter((name) => !decided.has(name))).toEqual([]);
});
