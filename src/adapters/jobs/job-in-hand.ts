import type { ChatJobData, ChatJobResult, WorkflowState } from './chat-job.ts';
import type { TakenJob } from './redis-scripts/taken-job.ts';

/**
 * A job that this process has in hand, and that is taken up by another process if we die. Whoever works on it ends with
 * one of the five ways to let go of it.
 */
export interface JobInHand {
  readonly data: ChatJobData;
  /** As an earlier attempt has left it. */
  readonly state: WorkflowState | undefined;
  /** Before this one. */
  readonly attemptsMade: number;
  readonly maxAttempts: number;
  /** How often a process has died over it. */
  readonly crashes: number;
  /** Aborted when the request is cancelled, also before it was taken, or the process must stop. */
  readonly signal: AbortSignal;
  readonly cancelled: boolean;
  /** Writes the state into the job as it is now; what is saved at the same time shares one round trip. */
  saveState(state: WorkflowState): Promise<void>;

  /** What completes at the same time shares one round trip, which takes the next jobs too. */
  complete(result: ChatJobResult): Promise<void>;
  /** Uses up an attempt; the next one comes after a backoff. */
  retry(error: Error): Promise<void>;
  /** For good: the job is kept among the failed ones. */
  fail(error: Error): Promise<void>;
  /** Uses up no attempt. */
  delay(ms: number): Promise<void>;
  /** To be taken at once, by another process. Uses up no attempt. */
  handBack(): Promise<void>;
}

/** What was set going for a job while it was still being written down. */
export interface HeadStart {
  /** The job is not begun with after all. */
  drop(): void;
}

/** What is to be done for jobs in hand. */
export interface Hands {
  save(job: ActiveJob, json: string): Promise<void>;
  complete(job: ActiveJob, json: string): Promise<void>;
  moveToFailed(job: ActiveJob, error: Error, forGood: boolean): Promise<void>;
  moveToDelayed(job: ActiveJob, until: number): Promise<void>;
  moveToWait(job: ActiveJob): Promise<void>;
}

const CANCELLED = 'cancelled';

export class ActiveJob implements JobInHand {
  readonly id: string;
  readonly attemptsMade: number;
  readonly attemptsStarted: number;
  readonly crashes: number;
  /** It may have a lock. */
  locked: boolean;
  /** When it was taken, or its lock was renewed, ms. */
  heldAt: number;
  /** It is being let go of: nothing more is to be locked. */
  leaving = false;
  #json: string;
  #data: ChatJobData | undefined;
  #progress: string;
  #options: string;
  #hands: Hands;
  #abort = new AbortController();

  constructor(taken: TakenJob, { locked, heldAt }: { locked: boolean; heldAt: number }, hands: Hands) {
    this.id = taken.jobId;
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

  cancel(): void {
    this.#abort.abort(CANCELLED);
  }

  abort(reason: string): void {
    this.#abort.abort(reason);
  }

  get data(): ChatJobData {
    this.#data ??= JSON.parse(this.#json) as ChatJobData;
    return this.#data;
  }

  get state(): WorkflowState | undefined {
    return this.#progress === '' ? undefined : (JSON.parse(this.#progress) as WorkflowState);
  }

  get maxAttempts(): number {
    return (JSON.parse(this.#options) as { attempts?: number }).attempts ?? 1;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get cancelled(): boolean {
    return this.signal.reason === CANCELLED;
  }

  saveState(state: WorkflowState): Promise<void> {
    return this.#hands.save(this, JSON.stringify(state));
  }

  complete(result: ChatJobResult): Promise<void> {
    return this.#lettingGo().complete(this, JSON.stringify(result));
  }

  retry(error: Error): Promise<void> {
    return this.#lettingGo().moveToFailed(this, error, false);
  }

  fail(error: Error): Promise<void> {
    return this.#lettingGo().moveToFailed(this, error, true);
  }

  delay(ms: number): Promise<void> {
    return this.#lettingGo().moveToDelayed(this, Date.now() + ms);
  }

  handBack(): Promise<void> {
    return this.#lettingGo().moveToWait(this);
  }

  #lettingGo(): Hands {
    this.leaving = true;
    return this.#hands;
  }
}
