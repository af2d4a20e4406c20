import type { Redis } from 'ioredis';
import { defineScript } from '../../redis/define-script.ts';
import { keysOf, type ToKey } from './bullmq-keys.ts';
import { finishedDigest, finishedRequestsLua } from './finished-requests.ts';

/**
 * Removes jobs, but for those that a process has in hand, and remembers that their requests are finished: a message that
 * comes again makes no new job.
 *
 * KEYS: active, wait, prioritized, delayed, completed, failed, finished. ARGV: key prefix, for how long finished requests
 * are remembered in ms; then, of each job: id, digest of its id. Gives the ids of those that are in hand.
 */
const forgetJobsScript = defineScript(`${finishedRequestsLua}
local inHand, digests = {}, {}
for i = 3, #ARGV, 2 do
  local id, key = ARGV[i], ARGV[1] .. ARGV[i]
  if redis.call('LPOS', KEYS[1], id) then
    inHand[#inHand + 1] = id
  elseif redis.call('EXISTS', key) == 1 then
    redis.call('LREM', KEYS[2], 0, id)
    for k = 3, 6 do redis.call('ZREM', KEYS[k], id) end
    redis.call('DEL', key, key .. ':logs', key .. ':lock')
    digests[#digests + 1] = ARGV[i + 1]
  end
end
if #digests > 0 then rememberFinished(KEYS[7], digests, tonumber(ARGV[2])) end
return inHand
`);

/**
 * Removes jobs, with all that is kept of them but a digest by which a message that comes again is recognised. One round
 * trip.
 * @param jobIds at most 1,000
 * @returns the ids of those that a process has in hand: they stay until it is done with them
 */
export async function forgetJobsOf(
  redis: Redis,
  toKey: ToKey,
  jobIds: readonly string[],
  { rememberMs }: { rememberMs: number },
): Promise<string[]> {
  const keys = keysOf(toKey, 'active', 'wait', 'prioritized', 'delayed', 'completed', 'failed', 'finished');
  const args = [toKey(''), rememberMs, ...jobIds.flatMap((id) => [id, finishedDigest(id)])];
  return (await forgetJobsScript(redis, keys, args)) as string[];
}
