import type { Redis } from 'ioredis';
import { defineScript } from '../../redis/define-script.ts';
import { keysOf, type ToKey } from './bullmq-keys.ts';
import { finishedDigest, finishedRequestsLua } from './finished-requests.ts';

/**
 * KEYS: prioritized, delayed, finished. ARGV: key prefix; then, of each job: id, digest of its id. Gives, of each: what it
 * is, and what that means; see `FoundJob`. Of how far a job has come only the note on its retry is read out. A job that is
 * kept no more is finished if it is remembered so.
 */
const script = defineScript(`${finishedRequestsLua}
local found, generations = {}, nil
for i = 2, #ARGV, 2 do
  local id = ARGV[i]
  local key = ARGV[1] .. id
  local fields = redis.call('HMGET', key, 'processedOn', 'finishedOn', 'atm', 'timestamp')
  local attempts = fields[3] or '0'
  local rank = redis.call('ZRANK', KEYS[1], id)
  local score = not rank and redis.call('ZSCORE', KEYS[2], id)
  if not fields[4] then
    generations = generations or finishedIn(KEYS[3])
    found[#found + 1] = {isFinished(generations, ARGV[i + 1]) and 'finished' or 'none'}
  elseif fields[2] then
    found[#found + 1] = {'finished'}
  elseif rank then
    found[#found + 1] = {'waiting', attempts, rank}
  elseif score then
    local ok, progress = pcall(cjson.decode, redis.call('HGET', key, 'progress') or '')
    local retry = ok and type(progress) == 'table' and type(progress.retry) == 'table' and progress.retry or {}
    found[#found + 1] = {'delayed', attempts, score, retry.since or '', retry.code or ''}
  else
    found[#found + 1] = {'active', attempts, fields[1] or fields[4]}
  end
end
return found
`);

/** As the script gives it; numbers may come as texts. */
export type FoundJob =
  | ['none' | 'finished']
  | ['waiting', attemptsMade: string, rank: number]
  | ['delayed', attemptsMade: string, score: string, since: string, code: string]
  | ['active', attemptsMade: string, processedOn: string];

/** Where jobs are: one round trip for any number of them. */
export async function findJobs(redis: Redis, toKey: ToKey, jobIds: readonly string[]): Promise<FoundJob[]> {
  const keys = keysOf(toKey, 'prioritized', 'delayed', 'finished');
  return (await script(redis, keys, [toKey(''), ...jobIds.flatMap((id) => [id, finishedDigest(id)])])) as FoundJob[];
}
