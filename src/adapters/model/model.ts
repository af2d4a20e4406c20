import type OpenAI from 'openai';
import type { ContextTurn } from '../../contracts/chat-request.ts';
import type { ModelAnswer } from '../../contracts/model-answer.ts';

export interface ModelQuestion {
  /** The same in each attempt: what fails one request again and again says little of the provider. */
  requestId?: string | undefined;
  message: string;
  /** Earlier turns, oldest first. */
  context: readonly ContextTurn[];
  /** The model that its user has chosen; undefined: the standard one. */
  model?: string | undefined;
}

/** All that determines an answer: who is asked, and the body of the request as it is sent. */
export interface AnswerParameters {
  provider: string;
  body: OpenAI.Chat.ChatCompletionCreateParamsNonStreaming;
}

/** Something that answers questions: a provider, or what stands before one. */
export interface Model {
  /** All that determines the answer to the question. */
  parametersOf(question: ModelQuestion): AnswerParameters;
  /**
   * Asks once, without retries: one call that may be charged.
   * @param attempt of the request, from 1
   * @param signal aborts the call; the promise then rejects with the signal's reason
   * @throws RequestFailure model_*
   * @throws ModelPausedError the model asks to be left alone for a while, or is known to be out of reach
   */
  ask(question: ModelQuestion, signal: AbortSignal, attempt: number): Promise<ModelAnswer>;
}
