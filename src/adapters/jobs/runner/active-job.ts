import { ProcessStoppingError, RequestCancelledError } from '../../../contracts/errors.ts';
import { plainSeals, type Seals, sealedOnce, type TextSeals } from '../../../contracts/sealing.ts';
import type { ChatJobData, ChatJobResult, WorkflowState } from '../chat-job.ts';
import type { JobInHand, JobSignal, WhereItWent } from '../job-in-hand.ts';
import {
  type Fields,
  fieldsOf,
  isJson,
  NewerJobError,
  readJobData,
  readJobState,
  UnusableJobError,
  userOf,
} from '../read-job-data.ts';
import type { TakenJob } from '../redis-scripts/taken-job.ts';
import { openState, sealState } from '../sealed-job.ts';

/** Writes to Redis what an active job has come to. States and results are JSON. */
export interface JobWrites {
  save(job: ActiveJob, state: string): Promise<void>;
  complete(job: ActiveJob, result: string): Promise<void>;
  retry(job: ActiveJob, error: Error, delayMs: number): Promise<WhereItWent>;
  fail(job: ActiveJob, error: Error, state: string): Promise<WhereItWent>;
  delay(job: ActiveJob, ms: number, options: { awaitedModel: string | undefined }): Promise<WhereItWent>;
  handBack(job: ActiveJob): Promise<WhereItWent>;
}

/**
 * A job in hand, as the parts of the runner see it. It has three phases:
 * - *held*: the work goes on, and the lock keeper keeps the job locked.
 * - *lost*: the lock keeper has found that this process no longer has the job. The work goes on, but Redis refuses its
 *   writes.
 * - *leaving*: the work has ended, and its result is being written. The lock keeper ignores the job.
 *
 *     held ── another process has it, or it is gone ──> lost
 *     held, lost ── complete, retry, fail, delay, handBack ──> leaving
 */
export class ActiveJob implements JobInHand {
  phase: 'held' | 'lost' | 'leaving' = 'held';
  readonly id: string;
  /** `finishedDigest` of its id, if known. */
  readonly digest: string | undefined;
  readonly attemptsMade: number;
  readonly attemptsStarted: number;
  readonly crashes: number;
  /** Whether it may have a lock in Redis, which must be removed when it completes. */
  locked: boolean;
  /** When it was taken or its lock was last renewed, in ms of the monotonic clock. */
  renewedAt: number;
  /** What became of its request; undefined before it is being completed. */
  outcome: ChatJobResult['status'] | undefined;
  #json: string;
  #fields: Fields | undefined;
  #data: ChatJobData | undefined;
  #seals: Seals | undefined;
  #progress: string;
  #options: string;
  #writes: JobWrites;
  #abort = new AbortController();
  #cancelled = false;

  /** @param taken.locked whether it was taken by a script that locks it */
  constructor(taken: TakenJob, { locked, writes }: { locked: boolean; writes: JobWrites }) {
    this.id = taken.jobId;
    this.digest = taken.digest;
    this.attemptsStarted = taken.attemptsStarted;
    this.attemptsMade = taken.attemptsMade;
    this.crashes = taken.crashes;
    this.locked = locked;
    this.renewedAt = performance.now();
    this.#json = taken.data;
    this.#data = taken.parsedData;
    this.#seals = taken.seals && sealedOnce(taken.seals);
    this.#progress = taken.progress;
    this.#options = taken.options;
    this.#writes = writes;
    if (taken.cancelled) this.cancel();
  }

  /** The user has cancelled the request. */
  cancel(): void {
    this.#cancelled = true;
    this.#abort.abort(new RequestCancelledError());
  }

  /** This process must stop. */
  stop(): void {
    this.#abort.abort(new ProcessStoppingError());
  }

  /**
   * Fetches the key of the job's user, which its texts are sealed with. Call it before the work begins. No round trip if the key
   * is known.
   * @throws StoreUnavailableError
   */
  async open(seals: TextSeals): Promise<void> {
    this.#seals ??= sealedOnce(await seals.forSealing(this.user === '' ? [] : [this.user]));
  }

  get seals(): Seals {
    return this.#seals ?? plainSeals;
  }

  get data(): ChatJobData {
    this.#data ??= readJobData(this.id, this.#parsed, this.#seals);
    return this.#data;
  }

  get #parsed(): Fields | undefined {
    this.#fields ??= fieldsOf(this.#json);
    return this.#fields;
  }

  /** Why this version cannot work on the job; undefined if it can. */
  get unreadable(): UnusableJobError | NewerJobError | undefined {
    try {
      void this.data;
      return undefined;
    } catch (error) {
      if (error instanceof UnusableJobError || error instanceof NewerJobError) return error;
      throw error;
    }
  }

  /**
   * The job's data for an operator. Data that is not JSON is shown as a JSON string, because Bull Board reads only
   * JSON.
   */
  get shownData(): string {
    return isJson(this.#json) ? this.#json : JSON.stringify(this.#json ?? null);
  }

  /** The user in whose turn the job is; '' if the job's data does not say. */
  get user(): string {
    return this.#data?.request.userId ?? userOf(this.#parsed);
  }

  get state(): WorkflowState | undefined {
    const state = readJobState(this.#progress);
    return state && openState(this.seals, this.data.request, state);
  }

  get maxAttempts(): number {
    return (JSON.parse(this.#options) as { attempts?: number }).attempts ?? 1;
  }

  get signal(): JobSignal {
    return this.#abort.signal;
  }

  get cancelled(): boolean {
    return this.#cancelled;
  }

  saveState(state: WorkflowState): Promise<void> {
    return this.#writes.save(this, this.#sealed(state));
  }

  complete(result: ChatJobResult): Promise<void> {
    this.outcome = result.status;
    return this.#leave().complete(this, JSON.stringify(result));
  }

  retry(error: Error, delayMs: number): Promise<WhereItWent> {
    return this.#leave().retry(this, error, delayMs);
  }

  fail(error: Error, state: WorkflowState): Promise<WhereItWent> {
    return this.#leave().fail(this, error, this.#sealed(state));
  }

  /** Fails a job whose data is not usable. Its state stays as it was found. */
  giveUp(reason: UnusableJobError): Promise<WhereItWent> {
    return this.#leave().fail(this, reason, this.#progress);
  }

  delay(ms: number, { awaitedModel }: { awaitedModel?: string | undefined } = {}): Promise<WhereItWent> {
    return this.#leave().delay(this, ms, { awaitedModel });
  }

  handBack(): Promise<WhereItWent> {
    return this.#leave().handBack(this);
  }

  /** JSON */
  #sealed(state: WorkflowState): string {
    return JSON.stringify(sealState(this.seals, this.data.request, state));
  }

  #leave(): JobWrites {
    this.phase = 'leaving';
    return this.#writes;
  }
}
