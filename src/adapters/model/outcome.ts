import type { FinishReason, Usage } from '../../contracts/chat-response.ts';
import type { FailureCode } from '../../contracts/error-codes.ts';
import { type BrokenCause, ModelPausedError, ProviderBrokenError, RequestFailure } from '../../contracts/errors.ts';

/** What a provider's reply comes to: exactly one of these. */
export type Outcome =
  | Answer
  /** The model, or a filter before or after it, refuses the question or its answer because of its content. */
  | { kind: 'refused' }
  /** The conversation is too long for the model. */
  | { kind: 'too long' }
  /** This request is wrong, and no other: it must not be sent again as it is. */
  | { kind: 'wrong request'; detail: string; parameter?: LimitParameter | undefined }
  /** The provider, or this one call, has failed; another call may go well. */
  | {
      kind: 'unwell';
      code: UnwellCode;
      detail: string;
      pauseMs?: number | undefined;
      charged: boolean;
      costly: boolean;
    }
  /**
   * The provider fails everybody, until somebody mends our key, our credit or quota, or which model we ask. If it is not
   * certain, it may have refused this one request only.
   */
  | { kind: 'broken'; why: BrokenCause; certain: boolean; detail: string };

export interface Answer {
  kind: 'answer';
  response: string;
  /** As the provider names it. */
  model: string | undefined;
  /** null where it reported none. */
  usage: Pick<Usage, 'promptTokens' | 'completionTokens'> | null;
  finishReason: Exclude<FinishReason, 'cancelled'> | null;
}

export type UnwellCode = Extract<
  FailureCode,
  'model_rate_limited' | 'model_unavailable' | 'model_timeout' | 'model_unreachable' | 'model_empty_answer'
>;

/** Parameters of ours that some models do not know. */
export type LimitParameter = 'max_tokens' | 'max_completion_tokens' | 'temperature';

const BROKEN: Record<BrokenCause, string> = {
  key: 'the provider refuses our key',
  quota: 'our quota or credit at the provider is used up',
  model: 'the provider does not have the model, or nothing is at its address',
};

/** The error that an outcome is to the workflow. None of its texts was written by the provider or by a user. */
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

/** A whole call brought no answer. */
export const timedOut = (detail: string) => unwell('model_timeout', detail, { charged: true, costly: true });

/** The provider answered with success, and with what is no answer. */
export const unreadable = (detail: string) => unwell('model_unavailable', detail, { charged: true });

/** @param detail why nothing was said, such as that all was spent on thinking */
export const empty = (detail: string) => unwell('model_empty_answer', detail, { charged: true, costly: true });
