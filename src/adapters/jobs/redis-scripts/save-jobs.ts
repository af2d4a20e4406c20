import type { Redis } from 'ioredis';
import { defineScript } from '../../redis/define-script.ts';

/**
 * KEYS: the jobs. ARGV: attempts started and progress of each. A job that is gone stays so, and one that another has taken
 * up as it is.
 */
const saveJobsScript = defineScript(`
for i, key in ipairs(KEYS) do
  if redis.call('HGET', key, 'ats') == ARGV[2 * i - 1] then redis.call('HSET', key, 'progress', ARGV[2 * i]) end
end
`);

/** Writes down how far jobs have come, each in the attempt that has come so far. */
export async function saveJobs(
  redis: Redis,
  jobs: readonly { key: string; attemptsStarted: number; progress: string }[],
): Promise<void> {
  await saveJobsScript(
    redis,
    jobs.map(({ key }) => key),
    jobs.flatMap(({ attemptsStarted, progress }) => [attemptsStarted, progress]),
  );
}
