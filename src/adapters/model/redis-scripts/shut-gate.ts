import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';
import { type GateKeys, type GateStanding, type RawStanding, type Shutting, standingOf } from './gate-standing.ts';

const script = defineScript(import.meta.dirname, 'shut-gate');

/** Shuts the gate for at least `ms`, and tells all workers. One round trip. @returns how the gate is shut now */
export async function shutGate(
  redis: Redis,
  [gate]: GateKeys,
  { ms, cause, key }: Shutting,
  channel: string,
  name: string,
): Promise<GateStanding> {
  return standingOf((await script(redis, [gate], [Math.ceil(ms), cause, key, channel, name])) as RawStanding);
}
