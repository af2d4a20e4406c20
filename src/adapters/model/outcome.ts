import type { FinishReason, Usage } from '../../contracts/chat-response.ts';
import type { FailureCode } from '../../contracts/error-codes.ts';
import { type BrokenCause, ModelPausedError, ProviderBrokenError, RequestFailure } from '../../contracts/errors.ts';

/** What a provider's reply means: exactly one of these. */
export type Outcome =
  | Answer
  /** The model, or a filter before or after it, has refused the question or the answer because of its content. */
  | { kind: 'refused' }
  /** The conversation is too long for the model. */
  | { kind: 'too long' }
  /** Only this request is wrong. It must not be sent again unchanged. */
  | { kind: 'wrong request'; detail: string; parameter?: LimitParameter | undefined }
  /** The provider, or this one call, has failed. Another call may succeed. */
  | {
      kind: 'unwell';
      code: UnwellCode;
      detail: string;
      /** How long the provider asks us to wait, in ms. */
      pauseMs?: number | undefined;
      /** Whether the model may have worked, so that the call may be charged. */
      charged: boolean;
      /** Whether this was a full call, so that the next one may cost as much. */
      costly: boolean;
    }
  /**
   * The provider fails everybody until somebody changes our key, our credit or quota, or the model. If `certain` is
   * false, the provider may have refused only this request.
   */
  | { kind: 'broken'; why: BrokenCause; certain: boolean; detail: string };

export interface Answer {
  kind: 'answer';
  response: string;
  /** As the provider names it. */
  model: string | undefined;
  /** null if it reported none. */
  usage: Pick<Usage, 'promptTokens' | 'completionTokens'> | null;
  finishReason: Exclude<FinishReason, 'cancelled'> | null;
}

export type UnwellCode = Extract<
  FailureCode,
  'model_rate_limited' | 'model_unavailable' | 'model_timeout' | 'model_unreachable' | 'model_empty_answer'
>;

/** Our parameters that some models refuse. */
export const LIMIT_PARAMETERS = [
  'max_completion_tokens',
  'max_tokens',
  'temperature',
  'stream_options',
  'stream',
] as const;

export type LimitParameter = (typeof LIMIT_PARAMETERS)[number];

const BROKEN: Record<BrokenCause, string> = {
  key: 'the provider refuses our key',
  quota: 'our quota or credit at the provider is used up',
  model: 'the provider does not have the model, or nothing is at its address',
};

/**
 * Turns an outcome into the error that the workflow knows. None of its texts was written by the provider or by a user.
 */
export function failureOfOutcome(outcome: Exclude<Outcome, Answer>, provider: string): RequestFailure {
  switch (outcome.kind) {
    case 'refused':
      return new RequestFailure('model_content_filtered', 'the question or its answer was refused for its content', {
        provider,
      });
    case 'too long':
      return new RequestFailure('model_context_too_long', 'the conversation is too long for the model', { provider });
    case 'wrong request':
      return new RequestFailure('model_rejected', `the provider refused the request (${outcome.detail})`, { provider });
    case 'broken':
      return new ProviderBrokenError(outcome.why, `${BROKEN[outcome.why]} (${outcome.detail})`, {
        provider,
        certain: outcome.certain,
      });
    case 'unwell': {
      const { code, detail, pauseMs } = outcome;
      if (pauseMs !== undefined) return new ModelPausedError(code, detail, pauseMs, { provider });
      return new RequestFailure(code, detail, {
        mayBeCharged: outcome.charged,
        costlyCalls: outcome.costly ? 1 : 0,
        provider,
      });
    }
  }
}

export const unwell = (
  code: UnwellCode,
  detail: string,
  more: { charged?: boolean; costly?: boolean; pauseMs?: number | undefined } = {},
): Outcome & { kind: 'unwell' } => ({ kind: 'unwell', code, detail, charged: false, costly: false, ...more });

/** A full call brought no answer in time. */
export const timedOut = (detail: string) => unwell('model_timeout', detail, { charged: true, costly: true });

/** The reply's status says success, but the reply cannot be read. */
export const unreadable = (detail: string) => unwell('model_unavailable', detail, { charged: true });

/** @param detail why there is no text, for example because all tokens were spent on thinking */
export const empty = (detail: string) => unwell('model_empty_answer', detail, { charged: true, costly: true });
