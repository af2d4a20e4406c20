import type { Seals } from '../../../contracts/sealing.ts';
import type { ChatJobData } from '../chat-job.ts';

/** A job that a script has taken, with what it had in Redis then. */
export interface TakenJob {
  jobId: string;
  /** JSON */
  data: string;
  /** `data`, parsed; only if this process added the job. */
  parsedData?: ChatJobData;
  /** With the key of its user; only if this process added the job. */
  seals?: Seals;
  /** `finishedDigest` of its id, if known. */
  digest?: string;
  /** JSON; empty for a job that was never saved. */
  progress: string;
  /** JSON */
  options: string;
  attemptsMade: number;
  /** How often it was taken, including this time. It tells the present worker of the job from earlier ones. */
  attemptsStarted: number;
  /** How often a worker has died over it. */
  crashes: number;
  /** Its user has cancelled it. */
  cancelled: boolean;
}
