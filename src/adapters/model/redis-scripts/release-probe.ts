import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';
import type { GateKeys } from './gate-standing.ts';

const script = defineScript(import.meta.dirname, 'release-probe');

/** Gives up the probe if this try still has it, so that another worker may try. One round trip. */
export async function releaseProbe(redis: Redis, [, probe]: GateKeys, id: string): Promise<void> {
  await script(redis, [probe], [id]);
}
