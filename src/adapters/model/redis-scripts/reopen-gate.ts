import type { Redis } from 'ioredis';
import { defineScript } from '../../redis/define-script.ts';
import { type GateKeys, type GateStanding, type RawStanding, type Shutting, standingOf } from './gate-standing.ts';

const script = defineScript(import.meta.dirname, 'reopen-gate');

/**
 * Shuts the gate again because the probe has failed: longer with each probe that did. One round trip.
 * @param id of the try that failed
 * @param shutting.ms for how long after the first failed probe
 * @returns how it is shut now
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
