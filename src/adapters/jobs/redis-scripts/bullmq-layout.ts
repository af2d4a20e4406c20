/**
 * BullMQ's private layout of jobs in Redis, as far as our scripts read or write it. BullMQ does not document it.
 *
 * test/adapters/jobs/bullmq-layout.test.ts compares these lists with the scripts of the installed BullMQ, with our own
 * scripts, and with what both leave in Redis. It fails for a key or a field that is not listed. docs/architecture.md
 * says how to upgrade BullMQ.
 */

/** The only version with this layout. package.json pins it, and api and worker refuse to start with another one. */
export const BULLMQ_VERSION = '6.7.0';

/** Keys of the queue that we read or write, each under the queue's prefix. */
export const bullMqKeys = {
  wait: 'List: jobs without a priority. Our jobs get there only after their process has died.',
  prioritized: 'Sorted set: the line. The score is the priority times 2^32, and a counter below.',
  pc: 'String: that counter. It is removed when the line is empty.',
  delayed: 'Sorted set: jobs that come back later. The score is the time in ms times 4096, and a counter below.',
  active: 'List: jobs that a process has in hand.',
  completed: 'Sorted set: finished jobs by the time they finished, ms.',
  failed: 'Sorted set: failed jobs by the time they failed, ms.',
  stalled: 'Set: jobs that were in hand at the last check for dead processes.',
  'stalled-check': 'String: there was such a check in the last seconds. It expires.',
  marker: 'Sorted set: has the member "0" while there may be jobs to take. Waiting workers block on it.',
  meta: 'Hash: limits of the queue. See `bullMqMetaFields`.',
  id: 'String: how many jobs were ever added.',
} as const;

/** Keys below a job that we read or write: `{prefix}{job id}:{key}`. */
export const bullMqJobKeys = {
  lock: 'String: the token of the worker that has the job in hand. It expires.',
  logs: 'List: what was logged about the job. Ours have none, unless an operator adds some.',
} as const;

/** Fields of a job's hash that we read or write. Its key is the prefix and the job's id. */
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
  stacktrace: 'JSON, a list of texts: its last failures.',
  progress: 'JSON: how far it has come.',
  ats: 'How often it was taken.',
  atm: 'How many attempts were made.',
  stc: 'How often its process has died.',
} as const;

/** Fields of `meta` that we read. Our scripts take no jobs while one is set. */
export const bullMqMetaFields = {
  paused: 'The queue is paused.',
  concurrency: 'How many jobs may be in hand at once.',
  max: 'How many jobs may be taken in a time.',
} as const;

/**
 * Keys and fields that BullMQ's scripts use and ours do not. Before you add one, make sure that our scripts may ignore
 * it.
 */
export const leftToBullMq = {
  keys: {
    events: 'Stream of events. Nobody reads it, so our scripts add none, and the sweeper shortens it.',
    limiter: 'How many jobs were taken in the present time. Only while `max` is set; then BullMQ takes the jobs.',
    paused: 'List of jobs of older versions. It is only removed.',
    delay: 'It is only removed.',
    priority: 'Key of older versions. It is only removed.',
    'waiting-children': 'Jobs that wait for others. Ours have no children.',
    repeat: 'Job schedulers. We have none.',
    de: 'Deduplication of jobs. Ours are not deduplicated by BullMQ.',
    dn: 'The job that follows a deduplicated one.',
    'metrics:completed': 'Counts of finished jobs. We do not turn them on.',
    'metrics:completed:data': 'The same, by minute.',
    'metrics:failed': 'Counts of failed jobs. We do not turn them on.',
    'metrics:failed:data': 'The same, by minute.',
  },
  jobKeys: {
    dependencies: 'The children that a job waits for.',
    processed: 'Answers of its children.',
    failed: 'Its failed children.',
    unsuccessful: 'Its failed children that are ignored.',
  },
  jobFields: {
    pb: 'The name of the worker that has taken it. We give workers no name.',
    defa: 'Why it will fail as soon as it is taken: a child of it has failed.',
    deid: 'The id by which it is deduplicated.',
    rjk: 'The job scheduler that made it.',
    parent: 'JSON: its parent.',
    parentKey: 'The key of its parent.',
    flowAttachmentFailed: 'Its children could not be attached.',
  },
  metaFields: {
    duration: 'The time for `max`, ms. BullMQ takes the jobs while `max` is set.',
    'opts.maxLenEvents': 'How long the stream of events may be.',
    version: 'The version of BullMQ that opened the queue last.',
  },
  /** Fields of hashes that are neither a job nor `meta`. */
  otherFields: {
    'job scheduler': [
      ...['name', 'data', 'opts', 'rjk', 'parent', 'parentKey', 'deid'],
      ...['every', 'pattern', 'tz', 'offset', 'limit', 'ic', 'startDate', 'endDate'],
    ],
    'job that follows a deduplicated one': ['jid', 'name', 'data', 'opts', 'pk', 'pd', 'pdk', 'rjk'],
    metrics: ['count', 'prevTS', 'prevCount'],
  },
} as const;

/** Keys of our own beside BullMQ's keys, under the same prefix. */
export const ownKeys = {
  'next-tags': 'Hash: the next tags of the users who wait: see line.lua.',
  finished:
    'List: the generations of finished requests. Their buckets and a count are below it: see finished-requests.lua.',
  'erased-users': 'Set: the ids of erased users, whose jobs are refused.',
  'awaiting-model-turn': 'String: a worker has just put back jobs that waited for a model. It expires.',
  'completed-log': 'List: lines about completed jobs, for the search: see search/ended-log.ts.',
  'failed-log': 'List: the same about failed jobs.',
} as const;

/** Keys of our own below a job's key. */
export const ownJobKeys = {
  cancelled: "String: the job's user has cancelled it.",
} as const;

/**
 * A field of our own in the hash of a job that is delayed or has failed. It names the user in whose turn the job comes
 * back.
 */
export const USER_FIELD = 'user';

/**
 * A field of our own in the hash of a job that was delayed. `model:NAME`: that model could not be asked, and the job may
 * come back earlier: see ../awaiting-model.ts. `model:` stands for the standard model, and `1`, which an earlier version
 * wrote, for any. `0`: it waits for its time.
 */
export const AWAITING_MODEL_FIELD = 'awaitingModel';

/** What that field says. @param model undefined: the job waits for its time. '': the standard model */
export const awaitingModelOf = (model: string | undefined): string => (model === undefined ? '0' : `model:${model}`);

type Key = keyof typeof bullMqKeys | keyof typeof ownKeys;

/** Returns the full name of a key of the queue. `''` gives the prefix. */
export type ToKey = (type: string) => string;

/** The full names of keys, in the given order. */
export const keysOf = (toKey: ToKey, ...names: Key[]): string[] => names.map(toKey);
