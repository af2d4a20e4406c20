import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';
import type { GateKeys } from './gate-standing.ts';

const script = defineScript(import.meta.dirname, 'renew-probe');

/** Keeps the probe for longer if this try still has it. One round trip. */
export async function renewProbe(redis: Redis, [, probe]: GateKeys, id: string, leaseMs: number): Promise<void> {
  await script(redis, [probe], [id, leaseMs]);
}
