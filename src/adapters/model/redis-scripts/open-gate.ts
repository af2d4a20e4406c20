import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';
import type { GateKeys } from './gate-standing.ts';

const script = defineScript(import.meta.dirname, 'open-gate');

/**
 * Lets all calls of all workers pass again. One round trip.
 * @param who a probe does not open a gate that an operator has shut meanwhile
 * @returns whether the gate was shut; `stays shut`: see `who`
 */
export async function openGate(
  redis: Redis,
  keys: GateKeys,
  channel: string,
  name: string,
  who: 'operator' | 'probe',
): Promise<boolean | 'stays shut'> {
  const result = await script(redis, keys, [channel, name, who]);
  return result === -1 ? 'stays shut' : result === 1;
}
