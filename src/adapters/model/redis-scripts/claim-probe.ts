import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';
import { type GateKeys, type GateStanding, type RawStanding, standingOf } from './gate-standing.ts';

const script = defineScript(import.meta.dirname, 'claim-probe');

/**
 * Claims the probe for this worker, unless another worker has it or the gate is not probing. One round trip.
 * @param id of this try
 * @param key the fingerprint of this worker's API key
 */
export async function claimProbe(
  redis: Redis,
  [gate, probe]: GateKeys,
  id: string,
  leaseMs: number,
  key: string,
): Promise<'probe' | 'taken' | 'open' | GateStanding> {
  const verdict = (await script(redis, [gate, probe], [id, leaseMs, key])) as number | RawStanding;
  if (Array.isArray(verdict)) return standingOf(verdict);
  if (verdict === 0) return 'probe';
  return verdict === -1 ? 'open' : 'taken';
}
