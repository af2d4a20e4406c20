import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';

const script = defineScript(import.meta.dirname, 'save-jobs');

/** Saves how far jobs have come, each unless another worker has taken it since. One round trip. */
export async function saveJobs(
  redis: Redis,
  jobs: readonly { key: string; attemptsStarted: number; progress: string }[],
): Promise<void> {
  await script(
    redis,
    jobs.map(({ key }) => key),
    jobs.flatMap(({ attemptsStarted, progress }) => [attemptsStarted, progress]),
  );
}
