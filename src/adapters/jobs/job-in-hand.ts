import { ProcessStoppingError, RequestCancelledError } from '../../contracts/errors.ts';
import type { ChatJobData, ChatJobResult, WorkflowState } from './chat-job.ts';
import { isJson, readJobData, readJobState, UnusableJobError } from './read-job-data.ts';
import type { TakenJob } from './redis-scripts/taken-job.ts';

/**
 * A job that this process has in hand. If the process dies, another one takes the job up. The work on a job ends with
 * exactly one of `complete`, `retry`, `fail`, `delay` and `handBack`.
 */
export interface JobInHand {
  /** @throws UnusableJobError */
  readonly data: ChatJobData;
  /** As an earlier attempt has left it. */
  readonly state: WorkflowState | undefined;
  /** Before this one. */
  readonly attemptsMade: number;
  readonly maxAttempts: number;
  /** How often a process has died over it. */
  readonly crashes: number;
  /**
   * Aborted when the request is cancelled, also before it was taken, or the process must stop. Its reason is a
   * RequestCancelledError or a ProcessStoppingError.
   */
  readonly signal: AbortSignal;
  /** The request was cancelled by its user, whatever else has aborted the signal. */
  readonly cancelled: boolean;
  /** Writes the state into the job as it is now; what is saved at the same time shares one round trip. */
  saveState(state: WorkflowState): Promise<void>;

  /** What completes at the same time shares one round trip, which takes the next jobs too. */
  complete(result: ChatJobResult): Promise<void>;
  /** Uses up an attempt; the next one comes after a backoff. */
  retry(error: Error): Promise<WhereItWent>;
  /** For good: the job is kept among the failed ones. The state is written in the same step. */
  fail(error: Error, state: WorkflowState): Promise<WhereItWent>;
  /** Uses up no attempt. */
  delay(ms: number): Promise<WhereItWent>;
  /** To be taken at once, by another process. Uses up no attempt. */
  handBack(): Promise<WhereItWent>;
}

/**
 * What became of a job that was let go of:
 * - *moved*: it is where we sent it
 * - *lost*: it was no longer ours, and the process that has it takes care of it
 * - *gone*: it was removed, and no other process will take care of it
 */
export type WhereItWent = 'moved' | 'lost' | 'gone';

/** What was begun for a job while it was still being written down. */
export interface HeadStart {
  /** Called if the job is not begun with after all. */
  drop(): void;
}

/** What is to be done for jobs in hand. */
export interface Hands {
  save(job: ActiveJob, json: string): Promise<void>;
  complete(job: ActiveJob, json: string): Promise<void>;
  retry(job: ActiveJob, error: Error): Promise<WhereItWent>;
  fail(job: ActiveJob, error: Error, json: string): Promise<WhereItWent>;
  delay(job: ActiveJob, ms: number): Promise<WhereItWent>;
  handBack(job: ActiveJob): Promise<WhereItWent>;
}

export class ActiveJob implements JobInHand {
  readonly id: string;
  /** What its request is remembered by once it is finished, where that was computed already. */
  readonly digest: string | undefined;
  readonly attemptsMade: number;
  readonly attemptsStarted: number;
  readonly crashes: number;
  /** It may have a lock. */
  locked: boolean;
  /** When it was taken, or its lock was renewed: ms of the monotonic clock. */
  heldAt: number;
  /** It is being let go of: nothing more is to be locked. */
  leaving = false;
  #json: string;
  #data: ChatJobData | undefined;
  #progress: string;
  #options: string;
  #hands: Hands;
  #abort = new AbortController();
  #cancelled = false;

  constructor(taken: TakenJob, { locked, heldAt }: { locked: boolean; heldAt: number }, hands: Hands) {
    this.id = taken.jobId;
    this.digest = taken.digest;
    this.attemptsStarted = taken.attemptsStarted;
    this.attemptsMade = taken.attemptsMade;
    this.crashes = taken.crashes;
    this.locked = locked;
    this.heldAt = heldAt;
    this.#json = taken.data;
    this.#data = taken.parsedData;
    this.#progress = taken.progress;
    this.#options = taken.options;
    this.#hands = hands;
    if (taken.cancelled) this.cancel();
  }

  /** Its user has cancelled the request. */
  cancel(): void {
    this.#cancelled = true;
    this.#abort.abort(new RequestCancelledError());
  }

  /** This process must stop. */
  stop(): void {
    this.#abort.abort(new ProcessStoppingError());
  }

  get data(): ChatJobData {
    this.#data ??= readJobData(this.id, this.#json);
    return this.#data;
  }

  /** Why nobody can work on it; undefined for a job that somebody can. */
  get unusable(): UnusableJobError | undefined {
    try {
      this.#data ??= readJobData(this.id, this.#json);
      return undefined;
    } catch (error) {
      if (error instanceof UnusableJobError) return error;
      throw error;
    }
  }

  /** Its data as JSON, also where it was something else, which nobody could show. */
  get shownData(): string {
    return isJson(this.#json) ? this.#json : JSON.stringify(this.#json ?? null);
  }

  /** Whose turn in line it takes; '' for a job that nobody can work on. */
  get user(): string {
    return this.unusable ? '' : this.data.request.userId;
  }

  get state(): WorkflowState | undefined {
    return readJobState(this.#progress);
  }

  get maxAttempts(): number {
    return (JSON.parse(this.#options) as { attempts?: number }).attempts ?? 1;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get cancelled(): boolean {
    return this.#cancelled;
  }

  saveState(state: WorkflowState): Promise<void> {
    return this.#hands.save(this, JSON.stringify(state));
  }

  complete(result: ChatJobResult): Promise<void> {
    return this.#lettingGo().complete(this, JSON.stringify(result));
  }

  retry(error: Error): Promise<WhereItWent> {
    return this.#lettingGo().retry(this, error);
  }

  fail(error: Error, state: WorkflowState): Promise<WhereItWent> {
    return this.#lettingGo().fail(this, error, JSON.stringify(state));
  }

  /** A job that nobody can work on fails as it is. */
  giveUp(reason: UnusableJobError): Promise<WhereItWent> {
    return this.#lettingGo().fail(this, reason, this.#progress);
  }

  delay(ms: number): Promise<WhereItWent> {
    return this.#lettingGo().delay(this, ms);
  }

  handBack(): Promise<WhereItWent> {
    return this.#lettingGo().handBack(this);
  }

  #lettingGo(): Hands {
    this.leaving = true;
    return this.#hands;
  }
}
