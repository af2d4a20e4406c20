import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';
import type { ToKey } from './bullmq-layout.ts';

const script = defineScript(import.meta.dirname, 'find-jobs-of');

/** What the data or the result of a job of the user contains. Quotes in texts have backslashes before them. */
export const partOfUser = (userId: string) => `"userId":${JSON.stringify(userId)}`;

/** Where jobs are. */
export const JOB_PLACES = ['active', 'wait', 'prioritized', 'delayed', 'completed', 'failed'] as const;

/**
 * Finds the jobs of a user among `count` jobs of a place. One round trip.
 * @returns how many jobs were looked at; and those of the user, with their sessions, and the keys of their answers in the cache
 * ('': not known)
 */
export async function findJobsOf(
  redis: Redis,
  toKey: ToKey,
  userId: string,
  { place, skip, count }: { place: (typeof JOB_PLACES)[number]; skip: number; count: number },
): Promise<{ looked: number; found: { jobId: string; sessionId: string; answerKey: string }[] }> {
  const reply = await script(redis, [toKey(place)], [toKey(''), skip, count, partOfUser(userId)]);
  const [looked, fields] = reply as [number, string[]];
  const found = Array.from({ length: fields.length / 3 }, (_, index) => ({
    jobId: fields[3 * index]!,
    sessionId: JSON.parse(`"${fields[3 * index + 1]}"`) as string,
    answerKey: fields[3 * index + 2]!,
  }));
  return { looked, found };
}
