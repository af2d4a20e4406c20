import type { ProcessStoppingError, RequestCancelledError } from '../../contracts/errors.ts';
import type { Seals } from '../../contracts/sealing.ts';
import type { ChatJobData, ChatJobResult, WorkflowState } from './chat-job.ts';

/**
 * A job that this process has in hand. If the process dies, another one takes the job up. The work on a job ends with
 * exactly one of `complete`, `retry`, `fail`, `delay` and `handBack`.
 */
export interface JobInHand {
  /** @throws UnusableJobError */
  readonly data: ChatJobData;
  /** Seals the texts of its request, each once. */
  readonly seals: Seals;
  /** How far an earlier attempt has come; undefined for a job that was never saved. */
  readonly state: WorkflowState | undefined;
  /** How many attempts were made before this one. */
  readonly attemptsMade: number;
  /** How often a process has taken the job, this time included. It tells this attempt from all others. */
  readonly attemptsStarted: number;
  readonly maxAttempts: number;
  /** How often a process has died while it worked on the job. */
  readonly crashes: number;
  /** Aborted when the request is cancelled, which may be before the job is taken, or when this process must stop. */
  readonly signal: JobSignal;
  /**
   * True once the user has cancelled the request, even if the signal was aborted before because the process must stop.
   */
  readonly cancelled: boolean;
  /** Writes the present state into the job. Jobs that are saved at the same time share one round trip. */
  saveState(state: WorkflowState): Promise<void>;

  /** Completes the job. Jobs that complete at the same time share one round trip, which also takes the next jobs. */
  complete(result: ChatJobResult): Promise<void>;
  /** Ends this attempt. The next one comes after a time. */
  retry(error: Error, delayMs: number): Promise<WhereItWent>;
  /** Fails the job for good: it is kept among the failed jobs. The state is written together with the move. */
  fail(error: Error, state: WorkflowState): Promise<WhereItWent>;
  /**
   * Puts the job back in line after a time. This uses up no attempt.
   * @param options.awaitedModel may not be asked; the job comes back earlier if it may: see awaiting-model.ts. '': the
   * standard model. Left out: the job waits for its time
   */
  delay(ms: number, options?: { awaitedModel?: string | undefined }): Promise<WhereItWent>;
  /** Puts the job back in line at once, for another process. This uses up no attempt. */
  handBack(): Promise<WhereItWent>;
}

/** Why the work on a job must end early. `code` tells the two reasons apart. */
type EndEarlyReason = RequestCancelledError | ProcessStoppingError;

/** An abort signal whose reason has a type. */
export interface JobSignal extends AbortSignal {
  readonly reason: EndEarlyReason | undefined;
}

/**
 * What happened to a job that this process let go of:
 * - *moved*: the job is where it was sent
 * - *lost*: another process has taken the job, and takes care of it
 * - *gone*: the job was removed, and no process will take care of it
 */
export type WhereItWent = 'moved' | 'lost' | 'gone';

/** Work that was begun for a job before Redis had the job. */
export interface HeadStart {
  /** Called if the work on the job does not begin after all. */
  drop(): void;
}
