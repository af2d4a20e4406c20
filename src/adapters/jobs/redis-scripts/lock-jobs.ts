import type { Redis } from 'ioredis';
import { defineScript } from '../../redis/define-script.ts';

/**
 * Locks jobs that are still in hand, or renews their locks as BullMQ's own script does.
 *
 * BullMQ takes a job for stalled that was there at two of its checks and has no lock at the second. So one that is done
 * before then needs none.
 *
 * KEYS: stalled. ARGV: key prefix, token, lock in ms; then, of each job: id, attempts started, crashes. Gives the ids of
 * those that are in hand no more: taken by another, given up as stalled, finished or removed.
 */
const lockJobsScript = defineScript(`
local lost, held = {}, {}
for i = 4, #ARGV, 3 do
  local id = ARGV[i]
  local key = ARGV[1] .. id
  local fields = redis.call('HMGET', key, 'ats', 'stc', 'finishedOn')
  if fields[1] == ARGV[i + 1] and (fields[2] or '0') == ARGV[i + 2] and not fields[3] then
    redis.call('SET', key .. ':lock', ARGV[2], 'PX', ARGV[3])
    held[#held + 1] = id
  else
    lost[#lost + 1] = id
  end
end
if #held > 0 then redis.call('SREM', KEYS[1], unpack(held)) end
return lost
`);

export interface JobToLock {
  id: string;
  attemptsStarted: number;
  crashes: number;
}

/**
 * Locks jobs, at most 1,000, for whoever has the token; gives the ids of those that are in hand no more. One round trip.
 */
export async function lockJobs(
  redis: Redis,
  toKey: (type: string) => string,
  jobs: readonly JobToLock[],
  { token, lockMs }: { token: string; lockMs: number },
): Promise<string[]> {
  const args = [toKey(''), token, lockMs];
  for (const { id, attemptsStarted, crashes } of jobs) args.push(id, attemptsStarted, crashes);
  return (await lockJobsScript(redis, [toKey('stalled')], args)) as string[];
}
