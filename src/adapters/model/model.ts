import type OpenAI from 'openai';
import type { ContextTurn } from '../../contracts/chat-request.ts';
import type { FinishReason, Usage } from '../../contracts/chat-response.ts';

export interface Question {
  /** The same in each attempt: what fails one request again and again says little of the provider. */
  requestId?: string | undefined;
  message: string;
  /** Earlier turns, oldest first. */
  context: readonly ContextTurn[];
  /** The model that its user has chosen; undefined: the standard one. */
  model?: string | undefined;
}

export interface ModelAnswer {
  response: string;
  /** The model that answered, as it names itself. */
  model: string;
  provider: string;
  /** null where the provider reported none. */
  usage: Usage | null;
  /** null where the provider did not say; an answer that is not whole says so. */
  finishReason: Exclude<FinishReason, 'cancelled'> | null;
  /** Given by another than the first choice; not to be kept as that one's answer. */
  byFallback?: boolean;
}

/** All that determines an answer: who is asked, and the body of the request as it is sent. */
export interface AnswerParameters {
  provider: string;
  body: OpenAI.Chat.ChatCompletionCreateParamsNonStreaming;
}

/** Something that answers questions: a provider, or what stands before one. */
export interface Model {
  /** All that determines the answer to the question. */
  parametersOf(question: Question): AnswerParameters;
  /**
   * Asks once, without retries: one call that may be charged.
   * @param attempt of the request, from 1
   * @param signal aborts the call; the promise then rejects with the signal's reason
   * @throws RequestFailure model_*
   * @throws ModelPausedError the model asks to be left alone for a while, or is known to be out of reach
   */
  ask(question: Question, signal: AbortSignal, attempt: number): Promise<ModelAnswer>;
}
