import type OpenAI from 'openai';
import type { AnswerProgress } from '../../contracts/answer-progress.ts';
import type { ContextTurn } from '../../contracts/chat-request.ts';
import type { PartialUsage } from '../../contracts/chat-response.ts';
import type { ModelAnswer } from '../../contracts/model-answer.ts';

export interface ModelQuestion {
  /** The same for all attempts, so that a request that fails several times counts once against the provider. */
  requestId?: string | undefined;
  /** The conversation. Left out: the question is one of its own. */
  sessionId?: string | undefined;
  /** The trace of the request, which the metrics of the call name. '' or undefined: there is none. */
  traceId?: string | undefined;
  message: string;
  /** Earlier turns, oldest first. */
  context: readonly ContextTurn[];
  /** The model that the user has chosen. undefined: the standard model. */
  model?: string | undefined;
}

/** Everything that an answer depends on: which model is asked, and the body of the request. */
export interface AnswerParameters {
  provider: string;
  body: OpenAI.Chat.ChatCompletionCreateParamsNonStreaming;
}

/** Something that answers questions: a provider, or a layer in front of one. */
export interface Model {
  parametersOf(question: ModelQuestion): AnswerParameters;
  /**
   * Asks once, without retries. This is one call, which may be charged.
   * @param attempt of the request, from 1
   * @param signal aborts the call; the promise then rejects with the signal's reason
   * @throws RequestFailure model_*
   * @throws ModelPausedError the model has asked for a pause, or is known to be down
   */
  ask(question: ModelQuestion, signal: AbortSignal, attempt: number, options?: AskOptions): Promise<ModelAnswer>;
}

export interface AskOptions {
  /** Of the span that asks. Left out: tracing is off. */
  traceparent?: string | undefined;
  /** Is told what the model writes while it writes. The answer is the same. Left out: the answer is asked for as a whole. */
  progress?: AnswerProgress | undefined;
  /**
   * Is told what a call had written that ends without an answer, once for each such call. Only calls with `progress` know.
   */
  onLost?: ((lost: PartialUsage) => void) | undefined;
}
