import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';
import type { ToKey } from './bullmq-layout.ts';
import { claimMark, finishedConstants, finishedDigest } from './finished-requests.ts';

const script = defineScript(import.meta.dirname, 'claim-requests', finishedConstants);

/** A request that is to become a job of a shard. */
export interface Claim {
  jobId: string;
  /** Index of the shard, which is not the home of the id. */
  shard: number;
}

/**
 * Claims the ids of requests for shards, at least for a window. The first shard has the id. One round trip.
 * @param toKey of the shard that is the home of all these ids
 * @param claims at least one, at most 1,000
 * @param options.rememberMs how long finished requests are recognised; a claim holds as long
 * @returns the indexes of those that another shard has
 */
export async function claimRequests(
  redis: Redis,
  toKey: ToKey,
  claims: readonly Claim[],
  { rememberMs }: { rememberMs: number },
): Promise<number[]> {
  const args = [toKey(''), rememberMs];
  for (const { jobId, shard } of claims) args.push(jobId, finishedDigest(jobId), claimMark(jobId, shard));
  const others = (await script(redis, [toKey('finished')], args)) as number[];
  return others.map((place) => place - 1);
}
