import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';
import type { ToKey } from './bullmq-layout.ts';

const script = defineScript(import.meta.dirname, 'lock-jobs');

export interface JobToLock {
  id: string;
  /** How often the job had been taken when this worker took it, including that time. */
  attemptsStarted: number;
  /** How often its worker had died by then. */
  crashes: number;
}

export interface LockedJobs {
  /**
   * Ids of jobs that the worker no longer has: another worker has taken them, they were given up as stalled, or have
   * finished.
   */
  lost: string[];
  /** Ids of jobs that were removed. */
  gone: string[];
  /** Ids of jobs whose users have cancelled them. They may also be lost or gone. */
  cancelled: string[];
}

/** Locks jobs, at most 1,000, for the process with this token. One round trip. */
export async function lockJobs(
  redis: Redis,
  toKey: ToKey,
  jobs: readonly JobToLock[],
  { token, lockMs }: { token: string; lockMs: number },
): Promise<LockedJobs> {
  const args = [toKey(''), token, lockMs];
  for (const { id, attemptsStarted, crashes } of jobs) args.push(id, attemptsStarted, crashes);
  const [lost, gone, cancelled] = (await script(redis, [toKey('stalled')], args)) as [string[], string[], string[]];
  return { lost, gone, cancelled };
}
