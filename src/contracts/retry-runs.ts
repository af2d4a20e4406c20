import { HealifyError } from './errors.ts';
import type { FailedJobFilter } from './jobs.ts';

/** A run of the same code is going. */
export class RetryRunActiveError extends HealifyError {
  readonly code = 'retry_run_active';
  readonly retryable = true;

  constructor() {
    super('The failed jobs of this code are being retried already.');
  }
}

/** `failed`: it ended early, because of `problem`. */
export const retryRunStates = ['running', 'finished', 'stopped', 'failed'] as const;

/** Retries all failed jobs of a cause, in the background. Times are ISO 8601. */
export interface RetryRun {
  id: string;
  state: (typeof retryRunStates)[number];
  /** The cause. */
  code: string;
  /** Who began it: the user id of an admin. */
  by: string;
  startedAt: string;
  endedAt: string | null;
  /** How many are retried in a second at most. */
  rate: number;
  /** How many jobs had failed with this cause when it began. */
  matching: number;
  /** How many are in line again. */
  retried: number;
  /** How many are still to be retried, or were not. Jobs that somebody else retried do not count. */
  left: number;
  problem: string | null;
}

export interface RetryRunFilter extends FailedJobFilter {
  /** How many to retry at most, the oldest failures first. */
  limit: number;
}

/** Retries many jobs in the background. All methods reject with StoreUnavailableError. */
export interface RetryRunAdmin {
  /** Counts the jobs that a run would retry, by the code of their failure. */
  count(filter: RetryRunFilter): Promise<{ matching: number; byCode: { code: string; count: number }[] }>;
  /**
   * Jobs that fail from now on are not among those of the run.
   * @param options.by the user id of an admin
   * @throws RetryRunActiveError
   */
  start(options: RetryRunFilter & { code: string; rate: number; by: string }): Promise<RetryRun>;
  /** The latest first. */
  list(): Promise<RetryRun[]>;
  /** undefined: there is no such run, or it ended more than a day ago. */
  show(id: string): Promise<RetryRun | undefined>;
  /** Returns the run, which may have ended before. undefined: there is none. */
  stop(id: string): Promise<RetryRun | undefined>;
}
