import type { Redis } from 'ioredis';
import { defineScript } from '../../redis/define-script.ts';

/**
 * Locks jobs that are still in hand, or renews their locks as BullMQ's own script does.
 *
 * BullMQ considers a job stalled if it was there at two of its checks and has no lock at the second. So a job that is done
 * before the second check needs no lock.
 *
 * KEYS: stalled. ARGV: key prefix, token, lock in ms; then, of each job: id, attempts started, crashes. Gives three lists
 * of ids:
 * - lost: those that are in hand no more: taken by another, given up as stalled, or finished
 * - gone: those that were removed
 * - cancelled: those whose users have cancelled them, wherever they are
 */
const lockJobsScript = defineScript(`
local lost, gone, cancelled, held = {}, {}, {}, {}
for i = 4, #ARGV, 3 do
  local id = ARGV[i]
  local key = ARGV[1] .. id
  local fields = redis.call('HMGET', key, 'ats', 'stc', 'finishedOn')
  if fields[1] == ARGV[i + 1] and (fields[2] or '0') == ARGV[i + 2] and not fields[3] then
    redis.call('SET', key .. ':lock', ARGV[2], 'PX', ARGV[3])
    held[#held + 1] = id
  elseif fields[1] then
    lost[#lost + 1] = id
  else
    gone[#gone + 1] = id
  end
  if redis.call('EXISTS', key .. ':cancelled') == 1 then cancelled[#cancelled + 1] = id end
end
if #held > 0 then redis.call('SREM', KEYS[1], unpack(held)) end
return {lost, gone, cancelled}
`);

export interface JobToLock {
  id: string;
  attemptsStarted: number;
  crashes: number;
}

export interface LockedJobs {
  /** Ids of those that are in hand no more: taken by another, given up as stalled, or finished. */
  lost: string[];
  /** Ids of those that were removed. */
  gone: string[];
  /** Ids of those whose users have cancelled them; they may be lost or gone as well. */
  cancelled: string[];
}

/** Locks jobs, at most 1,000, for the process that has the token. One round trip. */
export async function lockJobs(
  redis: Redis,
  toKey: (type: string) => string,
  jobs: readonly JobToLock[],
  { token, lockMs }: { token: string; lockMs: number },
): Promise<LockedJobs> {
  const args = [toKey(''), token, lockMs];
  for (const { id, attemptsStarted, crashes } of jobs) args.push(id, attemptsStarted, crashes);
  const [lost, gone, cancelled] = (await lockJobsScript(redis, [toKey('stalled')], args)) as [
    string[],
    string[],
    string[],
  ];
  return { lost, gone, cancelled };
}
