import type { JobStory } from '../../../contracts/jobs.ts';
import type { Redis } from '../../redis/redis.ts';
import type { JobShard, JobShards } from '../job-shards.ts';
import { placesInLine } from '../place-in-line.ts';
import { readStory } from './read-job.ts';

/**
 * The story of a request's job, and its shard. Nobody says whose the request is, so every shard is asked. Two round trips.
 * @returns undefined: there is no job
 * @throws StoreUnavailableError
 */
export async function findStory(
  shards: JobShards,
  redis: Redis,
  requestId: string,
): Promise<{ shard: JobShard; story: JobStory } | undefined> {
  const asked = shards.all.map((shard) => ({ requestId, shard }));
  const places = await placesInLine(shards, redis, asked);
  const stories = await Promise.all(shards.all.map((shard, i) => readStory(shard, redis, requestId, places[i]!)));
  const [index] = stories.flatMap((story, i) => (story ? [i] : []));
  return index === undefined ? undefined : { shard: shards.all[index]!, story: stories[index]! };
}
