import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';
import { keysOf, type ToKey } from './bullmq-layout.ts';
import { finishedConstants } from './finished-requests.ts';

const script = defineScript(import.meta.dirname, 'claim-requests', finishedConstants);

/** A request that is to become a job of a shard. */
export interface Claim {
  /** `finishedDigest` of its job's id. */
  digest: string;
  /** Index of the shard. */
  shard: number;
}

/**
 * Claims the ids of requests for shards, at least for a window. The first shard has the id. One round trip.
 * @param toKey of the shard that is the home of all these ids
 * @param claims at least one, at most 1,000
 * @returns the indexes of those that another shard has
 */
export async function claimRequests(
  redis: Redis,
  toKey: ToKey,
  claims: readonly Claim[],
  { windowMs }: { windowMs: number },
): Promise<number[]> {
  const args = [windowMs, ...claims.flatMap(({ digest, shard }) => [digest, shard])];
  const others = (await script(redis, keysOf(toKey, 'claims'), args)) as number[];
  return others.map((place) => place - 1);
}
