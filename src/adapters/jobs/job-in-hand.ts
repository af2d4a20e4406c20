import type { ProcessStoppingError, RequestCancelledError } from '../../contracts/errors.ts';
import type { ChatJobData, ChatJobResult, WorkflowState } from './chat-job.ts';

/**
 * A job that this process has in hand. If the process dies, another one takes the job up. The work on a job ends with
 * exactly one of `complete`, `retry`, `fail`, `delay` and `handBack`.
 */
export interface JobInHand {
  /** @throws UnusableJobError */
  readonly data: ChatJobData;
  /** How far an earlier attempt has come; undefined for a job that was never saved. */
  readonly state: WorkflowState | undefined;
  /** How many attempts were made before this one. */
  readonly attemptsMade: number;
  readonly maxAttempts: number;
  /** How often a process has died while it worked on the job. */
  readonly crashes: number;
  /** Aborted when the request is cancelled, which may happen before the job is taken, and when this process must stop. */
  readonly signal: JobSignal;
  /** The user has cancelled the request. This may also happen after the signal was aborted because the process must stop. */
  readonly cancelled: boolean;
  /** Writes the state, as it is now, into the job. Jobs that are saved at the same time share one round trip. */
  saveState(state: WorkflowState): Promise<void>;

  /** Jobs that complete at the same time share one round trip, which also takes the next jobs. */
  complete(result: ChatJobResult): Promise<void>;
  /** Uses up an attempt. The next attempt comes after a backoff. */
  retry(error: Error): Promise<WhereItWent>;
  /** Ends the job for good: it is kept among the failed ones. The state is written in the same step. */
  fail(error: Error, state: WorkflowState): Promise<WhereItWent>;
  /** Has the job taken again after a time. Uses up no attempt. */
  delay(ms: number): Promise<WhereItWent>;
  /** Has the job taken again at once, by another process. Uses up no attempt. */
  handBack(): Promise<WhereItWent>;
}

/** Why the work on a job must end before it is done; `code` says which of the two it is. */
type EndEarlyReason = RequestCancelledError | ProcessStoppingError;

/** An abort signal whose reason has a type. */
export interface JobSignal extends AbortSignal {
  readonly reason: EndEarlyReason | undefined;
}

/**
 * What became of a job that this process has let go of:
 * - *moved*: the job is where it was sent
 * - *lost*: another process has the job, and takes care of it
 * - *gone*: the job was removed, and no process will take care of it
 */
export type WhereItWent = 'moved' | 'lost' | 'gone';

/** Work that was begun for a job before Redis had the job. */
export interface HeadStart {
  /** Called if the job is not begun with after all. */
  drop(): void;
}
