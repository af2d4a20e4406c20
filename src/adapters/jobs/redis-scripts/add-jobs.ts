import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';
import { keysOf, type ToKey } from './bullmq-layout.ts';
import { finishedConstants } from './finished-requests.ts';
import { lineConstants } from './line.ts';

const script = defineScript(import.meta.dirname, 'add-jobs', { ...lineConstants, ...finishedConstants });

/** A job to be added, and its place in line: its user, and the range of tags of its class. */
export interface JobToAdd {
  id: string;
  user: string;
  tags: { from: number; to: number };
  /** `finishedDigest` of its id. */
  digest: string;
  /** JSON */
  data: string;
}

export interface Added {
  /** How many jobs no worker has in hand now: waiting, prioritised and delayed. */
  untaken: number;
  /** The indexes of the jobs that were taken, and whether their users have cancelled them. */
  started: { place: number; cancelled: boolean }[];
  /** The indexes of the jobs of erased users. They were not added. */
  refused: number[];
}

/**
 * Adds the jobs that do not exist yet and have not finished. If no job waits and there is room for all of them, it also
 * takes them.
 * @param jobs at least one, at most 1,000: Lua passes no more arguments at once
 * @param options of each job, without its priority; not empty
 */
export async function addJobs(
  redis: Redis,
  toKey: ToKey,
  jobs: readonly JobToAdd[],
  { name, options, room }: { name: string; options: object; room: number },
): Promise<Added> {
  const keys = [
    ...keysOf(toKey, 'marker', 'meta', 'id', 'prioritized', 'pc', 'wait', 'delayed', 'active'),
    ...keysOf(toKey, 'next-tags', 'finished', 'erased-users'),
  ];
  const args = [toKey(''), name, Date.now(), JSON.stringify(options).slice(1), room];
  for (const { id, user, tags, digest, data } of jobs) args.push(id, user, tags.from, digest, data);
  const [untaken, started, cancelled, refused] = (await script(redis, keys, args)) as [
    number,
    number[],
    (string | null)[],
    number[],
  ];
  return {
    untaken,
    started: started.map((place, index) => ({ place: place - 1, cancelled: !!cancelled[index] })),
    refused: refused.map((place) => place - 1),
  };
}
