import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';
import { type GateKeys, type GateStanding, type RawStanding, standingOf } from './gate-standing.ts';

const script = defineScript(import.meta.dirname, 'look-at-gate');

/** Reads until when the gate is shut, and why; undefined if calls may pass. One round trip. */
export async function lookAtGate(redis: Redis, [gate]: GateKeys): Promise<GateStanding | undefined> {
  const standing = (await script(redis, [gate], [])) as RawStanding | -1;
  return standing === -1 ? undefined : standingOf(standing);
}
