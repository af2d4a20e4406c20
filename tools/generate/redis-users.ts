import { inShell, rulesOf } from '../../src/contracts/redis-rights.ts';

/** The commands that make a Redis user for each process, with the smallest set of rights that it needs. */
export const redisUsers = () =>
  [
    '```bash',
    ...(['api', 'worker'] as const).map(
      (name) => `redis-cli ACL SETUSER healify-${name} on '>PASSWORD' ${rulesOf(name).map(inShell).join(' ')}`,
    ),
    '```',
  ].join('\n');
