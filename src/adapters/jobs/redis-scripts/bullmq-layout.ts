/**
 * What our scripts know of BullMQ 6 and what its documentation does not promise: the names of its keys, the fields of a
 * job's hash, and how its numbers are made. Look here first when BullMQ is updated; test/adapters/jobs/redis-scripts.test.ts
 * compares what our scripts leave in Redis with what BullMQ's own leave.
 */

/** Keys of the queue, each under the queue's prefix. */
export const bullMqKeys = {
  wait: 'List: jobs without a priority. Ours get there only after their process died.',
  prioritized: 'Sorted set: the line. The score is the priority times 2^32, and a counter below.',
  pc: 'String: that counter. It is removed when the line is empty.',
  delayed: 'Sorted set: jobs that come back later. The score is the time in ms times 4096, and a counter below.',
  active: 'List: jobs that a process has in hand.',
  completed: 'Sorted set: finished jobs by the time they finished, ms.',
  failed: 'Sorted set: failed jobs by the time they failed, ms.',
  stalled: 'Set: jobs that were in hand at the last check for dead processes.',
  marker: 'Sorted set: holds "0" while there may be jobs to take; workers that wait block on it.',
  meta: 'Hash: `paused`, `concurrency` and `max` limit the queue.',
  id: 'String: how many jobs were ever added.',
} as const;

/** Fields of a job's hash, whose key is the prefix and the job's id. */
export const bullMqJobFields = {
  name: 'Always the name of the queue.',
  data: 'JSON.',
  opts: 'JSON.',
  timestamp: 'When it was added, ms.',
  delay: 'For how long it is delayed, ms; 0 if it is not.',
  priority: 'Its tag in the line: see fair-order.ts.',
  processedOn: 'When it was taken, ms.',
  finishedOn: 'When it completed or failed, ms.',
  returnvalue: 'JSON; of a completed job.',
  failedReason: 'Text; of a failed job, and of one that will be repeated.',
  progress: 'JSON: how far it has come.',
  ats: 'How often it was taken.',
  atm: 'How many attempts were made.',
  stc: 'How often its process has died.',
} as const;

/** What we keep beside it, under the same prefix. */
export const ownKeys = {
  'next-tags': 'Hash: places in line: see line.ts.',
  finished:
    'List: the generations of finished requests. Their buckets and a count are below it: see finished-requests.ts.',
} as const;

/** A field of ours in a job's hash, of those that are delayed or have failed: whose turn in line it takes. */
export const USER_FIELD = 'user';

type Key = keyof typeof bullMqKeys | keyof typeof ownKeys;

/** Gives the whole name of a key of the queue; `''` is the prefix. */
export type ToKey = (type: string) => string;

/** The whole names of keys, in their order. */
export const keysOf = (toKey: ToKey, ...names: Key[]): string[] => names.map(toKey);
