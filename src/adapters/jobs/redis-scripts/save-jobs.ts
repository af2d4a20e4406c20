import type { Redis } from 'ioredis';
import { defineScript } from '../../redis/define-script.ts';

/** KEYS: the jobs. ARGV: the progress of each. A job that is gone stays so. */
const saveJobsScript = defineScript(`
local allThere = redis.call('EXISTS', unpack(KEYS)) == #KEYS
for i, key in ipairs(KEYS) do
  if allThere or redis.call('EXISTS', key) == 1 then redis.call('HSET', key, 'progress', ARGV[i]) end
end
`);

/** Writes down how far jobs have come. */
export async function saveJobs(redis: Redis, jobs: readonly { key: string; progress: string }[]): Promise<void> {
  await saveJobsScript(
    redis,
    jobs.map(({ key }) => key),
    jobs.map(({ progress }) => progress),
  );
}
