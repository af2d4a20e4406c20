import type { ChatRequest } from '../../contracts/chat-request.ts';
import type { ChatResponse } from '../../contracts/chat-response.ts';
import type { FailureCode } from '../../contracts/error-codes.ts';
import type { ReplyAddress } from '../../contracts/reply-address.ts';

/** One step as it went, for whoever looks at the job. */
export interface StepRecord {
  step: string;
  attempt: number;
  ms: number;
  /** The error's code; absent for a step that finished. */
  failed?: string;
}

/** Why a request has failed for good. */
export interface KnownFailure {
  /** What its user reads follows from it. */
  code: FailureCode;
  /** What an operator reads; never shown to the user. */
  cause: string;
  /** Whose failure it is, if it is a provider's. */
  provider?: string | undefined;
}

/** How far a job has come. Kept as the job's progress, so that the next attempt resumes there. */
export interface WorkflowState {
  /** The step at work, or the one that failed last. */
  step: string;
  attempt: number;
  /** The latest steps, oldest first. */
  steps: StepRecord[];
  /** What finished steps gave, by step; a step that is named here is not run again. */
  results: Record<string, unknown>;
  /** How often a process had died over the job when this was written: if there are more now, it has died since. */
  crashes: number;
  /** Since when an attempt has failed or had to wait (ISO 8601), and why the last one did: for whoever asks how it stands. */
  retry?: { since: string; code: string };
  /** The request has failed for good, and its user is yet to be told. */
  failure?: KnownFailure;
  /** How many full model calls brought no answer. Each repetition may cost as much again. */
  costlyCalls?: number;
  /**
   * When the job was last moved to the failed jobs, ISO 8601. It is written in the same step as the move, so an attempt
   * that finds it is an operator's retry.
   */
  failedAt?: string;
  /** How often a process had died over the job when it last failed. A retry by an operator counts crashes anew. */
  crashesForgiven?: number;
}

export interface ChatJobData {
  request: ChatRequest;
  /** W3C trace context of the request. */
  traceparent: string;
  /** Where the answer goes; absent: `chat_responses`. */
  reply?: ReplyAddress;
  /** When the bridge took it from RabbitMQ, ISO 8601. */
  receivedAt: string;
}

/** What a finished job shows: all of the answer but its text. It outlives the job's own data. */
export type ChatJobResult = Pick<
  ChatResponse,
  'sessionId' | 'userId' | 'status' | 'model' | 'provider' | 'cached' | 'usage' | 'attempts' | 'timings'
> & {
  steps: StepRecord[];
};

/**
 * The job's id: the same for each delivery of a request, so that the second is recognised. BullMQ takes neither `:`
 * nor a bare number.
 */
export const jobIdOf = (requestId: string) => `r-${encodeURIComponent(requestId)}`;
