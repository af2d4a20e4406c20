import type { ChatRequest } from '../../contracts/chat-request.ts';
import type { ChatResponse, PartialUsage } from '../../contracts/chat-response.ts';
import type { FailureCode } from '../../contracts/error-codes.ts';
import type { ReplyAddress } from '../../contracts/reply-address.ts';

/** One step of an attempt, for an operator who looks at the job. */
export interface StepRecord {
  step: string;
  attempt: number;
  ms: number;
  /** The error's code; absent for a step that finished. */
  failed?: string;
  /**
   * In place of the steps of attempts that a model's gate has turned away one after the other: which gate, how often, and
   * since when, ISO 8601.
   */
  waited?: { gate: string; times: number; since: string };
}

/** Why a request has failed for good. */
export interface KnownFailure {
  /** Decides what the user reads. */
  code: FailureCode;
  /** What an operator reads; never shown to the user. */
  cause: string;
  /** The provider that failed; absent if no provider is to blame. */
  provider?: string | undefined;
}

/** How far a job has come. It is kept as the job's `progress`, so that the next attempt goes on from there. */
export interface WorkflowState {
  /** The step that runs now, or the one that failed last. */
  step: string;
  attempt: number;
  /** The latest steps, oldest first. */
  steps: StepRecord[];
  /** The results of finished steps, by the step's name. A step with a result is not run again. */
  results: Record<string, unknown>;
  /**
   * How often a process had died while working on the job when this was written. A higher number now means that one
   * more has died.
   */
  crashes: number;
  /**
   * When an attempt first failed or had to wait (ISO 8601), and why the latest one did. The api shows this to the user.
   */
  retry?: { since: string; code: string };
  /** The request has failed for good, and its user has not been told yet. */
  failure?: KnownFailure;
  /** How many full model calls brought no answer. Each further call may cost as much again. */
  costlyCalls?: number;
  /** What model calls have written without coming to an answer. It is told if the request is cancelled. */
  partialUsage?: PartialUsage;
  /**
   * When the job was last moved to the failed jobs, ISO 8601. It is written together with the move. So if an attempt
   * finds it, an operator has retried the job.
   */
  failedAt?: string;
  /**
   * How often a process had died while working on the job when the job last failed. A retry by an operator counts from
   * there.
   */
  crashesForgiven?: number;
}

/** The latest version of job data that this code knows: that of a job with sealed texts. A worker leaves jobs of a later version to others. */
export const JOB_DATA_VERSION = 2;

export interface ChatJobData {
  /** Absent in a job that an earlier version has added; it counts as 1. */
  version?: number;
  request: ChatRequest;
  /** W3C trace context of the request. */
  traceparent: string;
  /** What other tracing systems have noted. */
  tracestate?: string | undefined;
  /** Where the answer goes; absent: `chat_responses`. */
  reply?: ReplyAddress;
  /** When the bridge took the request from RabbitMQ, ISO 8601. */
  receivedAt: string;
}

/** What a finished job shows: everything about the answer except its text. It is kept longer than the job's data. */
export type ChatJobResult = Pick<
  ChatResponse,
  'sessionId' | 'userId' | 'status' | 'model' | 'provider' | 'cached' | 'usage' | 'attempts' | 'timings'
> & {
  steps: StepRecord[];
  /** Absent in a job that an earlier version has completed. */
  traceId?: string;
  /** The answer's key in the cache, if it is there, so that an erasure finds it. */
  answerKey?: string;
};

/**
 * Returns the id of a request's job. It is the same for each delivery of the request, so that a duplicate is
 * recognised. BullMQ accepts no id that contains `:` or is a number.
 */
export const jobIdOf = (requestId: string) => `r-${encodeURIComponent(requestId)}`;
