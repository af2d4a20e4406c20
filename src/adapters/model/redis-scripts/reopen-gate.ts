import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';
import { type GateKeys, type GateStanding, type RawStanding, type Shutting, standingOf } from './gate-standing.ts';

const script = defineScript(import.meta.dirname, 'reopen-gate');

/**
 * Shuts the gate again after a failed probe, for longer with each failed probe in a row. One round trip.
 * @param id of the try that failed
 * @param shutting.ms how long after the first failed probe
 * @returns how the gate is shut now
 */
export async function reopenGate(
  redis: Redis,
  keys: GateKeys,
  id: string,
  { ms, cause, key }: Shutting,
  channel: string,
  name: string,
): Promise<GateStanding> {
  return standingOf((await script(redis, keys, [id, ms, cause, key, channel, name])) as RawStanding);
}
