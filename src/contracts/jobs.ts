import type { ChatResponse } from './chat-response.ts';
import { HealifyError } from './errors.ts';

/** A cursor that came from no page. */
export class InvalidCursorError extends HealifyError {
  readonly code = 'invalid_cursor';
  readonly retryable = false;

  constructor() {
    super('This cursor came from no page.');
  }
}

/**
 * How a job stands: in line (`waiting`), waiting for its time (`delayed`), in a worker's hands (`active`), or ended as
 * `completed`, `cancelled` or `failed`.
 */
export const jobStatuses = ['waiting', 'delayed', 'active', 'completed', 'cancelled', 'failed'] as const;

export type JobStatus = (typeof jobStatuses)[number];

/** Which failed jobs are meant. Each field that is given narrows it down. */
export interface FailedJobFilter {
  /** Why they failed. */
  code?: string | undefined;
  sessionId?: string | undefined;
  userId?: string | undefined;
  /** Jobs that ended at this time or later, ms. */
  from?: number | undefined;
  /** Jobs that ended at this time or earlier, ms. */
  until?: number | undefined;
}

/** Which jobs are meant. For a job that has not ended, the time is the one when it was added. */
export interface JobFilter extends FailedJobFilter {
  requestId?: string | undefined;
  status?: JobStatus | undefined;
}

/** A job in a list. Times are ISO 8601. */
export interface JobSummary {
  requestId: string;
  /** null: the job's data does not say. */
  sessionId: string | null;
  userId: string | null;
  status: JobStatus;
  /** Why it failed; null unless it has. */
  code: string | null;
  /** The same for an operator to read: the step, the code, the cause. */
  cause: string | null;
  addedAt: string;
  endedAt: string | null;
  /** How many attempts were made. */
  attempts: number;
}

/** All that is known of a job but its texts. */
export interface JobStory extends JobSummary {
  /** The name of its queue on Bull Board. */
  queue: string;
  /** null: a job of an earlier version. */
  traceId: string | null;
  /** When a worker last took it. */
  startedAt: string | null;
  deadline: string | null;
  maxAttempts: number;
  /** How often a worker has died over it. */
  crashes: number;
  /** How many jobs are taken before it; null unless it is waiting. */
  ahead: number | null;
  /** null unless it is delayed. */
  nextAttemptAt: string | null;
  /** Why the latest attempt had to be repeated or to wait, and since when this goes on; null if none had to. */
  retry: { since: string; code: string } | null;
  /** The latest steps, oldest first. */
  steps: {
    step: string;
    attempt: number;
    ms: number;
    failed: string | null;
    /** A model's gate has turned the attempt away so often. null: it is an ordinary step. */
    waited: { gate: string; times: number } | null;
  }[];
  /** The reasons of the latest failed attempts, oldest first. */
  failures: string[];
  /** What is known of the answer; null unless the job is completed or cancelled. */
  answer: Pick<ChatResponse, 'model' | 'provider' | 'cached' | 'usage' | 'timings'> | null;
}

/** Failed jobs of one cause. Times are ISO 8601. */
export interface FailedOfCause {
  code: string;
  count: number;
  oldest: string;
  newest: string;
  /** The request of the newest. */
  example: string;
}

export interface JobPage {
  /** Newest first. */
  jobs: JobSummary[];
  /** For the next page; null: there are no more. */
  nextCursor: string | null;
}

export interface RetryOptions extends FailedJobFilter {
  /** How many to retry at most. Those that failed first come first. */
  limit: number;
  /** How many to retry in a second at most. */
  rate: number;
  /** Change nothing, and say how many of what it would be. */
  dryRun: boolean;
}

export interface RetryReport {
  dryRun: boolean;
  /** How many failed jobs matched, and why they failed, the most frequent first. */
  matching: number;
  byCode: { code: string; count: number }[];
  retried: number;
  /** How many match and were not retried. */
  left: number;
}

/** What an operator may do with jobs. All reject with StoreUnavailableError. */
export interface JobAdmin {
  /** @param options.cursor of the page before. @throws InvalidCursorError */
  search(filter: JobFilter, options: { limit: number; cursor?: string | undefined }): Promise<JobPage>;
  /** undefined: there is no job for this request, or no more. */
  show(requestId: string): Promise<JobStory | undefined>;
  /** Groups the failed jobs by their code, the most frequent first. @param limit how many are looked at, the newest first */
  failures(filter: FailedJobFilter, limit: number): Promise<{ failures: FailedOfCause[]; counted: number }>;
  /** Has a failed job run again. `not failed`: it stands otherwise. `none`: there is no such job. */
  retry(requestId: string): Promise<'retried' | 'not failed' | 'none'>;
  /** Has many failed jobs run again. @param onProgress how many were retried so far, and how many are to be */
  retryAll(options: RetryOptions, onProgress?: (retried: number, of: number) => void): Promise<RetryReport>;
  /** Has a job end as cancelled, as its user could. `ended`: it has ended already. `none`: there is no such job. */
  cancel(requestId: string): Promise<'cancelling' | 'ended' | 'none'>;
}
