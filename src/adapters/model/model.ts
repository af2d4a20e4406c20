import type OpenAI from 'openai';
import type { ContextTurn } from '../../contracts/chat-request.ts';
import type { Usage } from '../../contracts/chat-response.ts';

export interface Question {
  message: string;
  /** Earlier turns, oldest first. */
  context: readonly ContextTurn[];
}

export interface ModelAnswer {
  response: string;
  /** The model that answered, as it names itself. */
  model: string;
  provider: string;
  usage: Usage;
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
   * @param signal aborts the call; the promise then rejects with the signal's reason
   * @throws RequestFailure model_*
   * @throws ModelPausedError the model asks to be left alone for a while, or is known to be out of reach
   */
  ask(question: Question, signal: AbortSignal): Promise<ModelAnswer>;
}
