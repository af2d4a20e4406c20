import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';
import { keysOf, type ToKey } from './bullmq-layout.ts';
import { FINISHED_DATA } from './finished-data.ts';
import { finishedConstants, finishedDigest } from './finished-requests.ts';
import { lineConstants } from './line.ts';
import type { TakenJob } from './taken-job.ts';

const constants = { ...lineConstants, ...finishedConstants, FINISHED_DATA };
const script = defineScript(import.meta.dirname, 'settle-jobs', constants);

export interface Completion {
  jobId: string;
  attemptsStarted: number;
  attemptsMade: number;
  /** Whether it may have a lock. */
  locked: boolean;
  /** `finishedDigest` of its id, if known. */
  digest?: string | undefined;
  /** JSON */
  returnValue: string;
}

export interface Settled {
  /** The result of each completion: 0, or a negative code of BullMQ. */
  codes: number[];
  taken: TakenJob[];
  /** When the next delayed job is due, in ms; 0 if there is none; undefined: BullMQ must take the next job. */
  nextDelayedAt: number | undefined;
}

/**
 * Completes jobs, and takes the next ones. One round trip.
 * @param options.now ms
 * @param options.kept how many finished jobs are kept for operators
 * @param options.keepsText whether they keep their text until the sweeper removes it
 * @param options.rememberMs how long finished requests are recognised if their messages come again
 * @param options.room how many jobs to take at most
 */
export async function settleJobs(
  redis: Redis,
  toKey: ToKey,
  completions: readonly Completion[],
  options: { now: number; kept: number; keepsText: boolean; rememberMs: number; room: number },
): Promise<Settled> {
  const { now, kept, keepsText, rememberMs, room } = options;
  const keys = [
    ...keysOf(toKey, 'wait', 'active', 'prioritized', 'delayed', 'completed', 'stalled', 'meta', 'pc', 'marker'),
    ...keysOf(toKey, 'next-tags', 'finished'),
  ];
  const args = [toKey(''), now, kept, rememberMs, keepsText ? 1 : 0, room];
  for (const { jobId, attemptsStarted, attemptsMade, locked, digest, returnValue } of completions) {
    args.push(jobId, attemptsStarted, attemptsMade, locked ? 1 : 0, digest ?? finishedDigest(jobId), returnValue);
  }
  const [codes, taken, nextDelayedAt] = (await script(redis, keys, args)) as [
    number[],
    [string, string, string, string, number, string, string, number][],
    number,
  ];
  return {
    codes,
    taken: taken.map(([jobId, data, options, attemptsMade, attemptsStarted, crashes, progress, cancelled]) => ({
      ...{ jobId, data, options, attemptsStarted, progress },
      ...{ attemptsMade: Number(attemptsMade), crashes: Number(crashes), cancelled: cancelled === 1 },
    })),
    nextDelayedAt: nextDelayedAt < 0 ? undefined : nextDelayedAt,
  };
}
