import type { ChatJobData } from '../chat-job.ts';

/** A job that a script has taken, as it was found. */
export interface TakenJob {
  jobId: string;
  /** JSON */
  data: string;
  /** The same, where it is at hand. */
  parsedData?: ChatJobData;
  /** `finishedDigest` of its id, where it is at hand. */
  digest?: string;
  /** JSON; empty for a job that was never saved. */
  progress: string;
  /** JSON */
  options: string;
  attemptsMade: number;
  /** How often it was taken, this time included. It tells the worker that has the job from one that had it before. */
  attemptsStarted: number;
  /** How often a worker has died over it. */
  crashes: number;
  /** Its user has cancelled it. */
  cancelled: boolean;
}
