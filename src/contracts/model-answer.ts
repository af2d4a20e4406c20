import type { FinishReason, Usage } from './chat-response.ts';

/** A model's answer, from whichever provider. */
export interface ModelAnswer {
  response: string;
  /** The model that answered, as it names itself. */
  model: string;
  provider: string;
  /** null where the provider reported none. */
  usage: Usage | null;
  /** null if the provider did not say. An answer that is not whole says so here. */
  finishReason: Exclude<FinishReason, 'cancelled'> | null;
  /** Whether a fallback gave it. Then it must not be cached as an answer of the first choice. */
  byFallback?: boolean;
}

/** An answer that was paid for, and how long the model took, in ms. */
export interface AskedAnswer {
  answer: ModelAnswer;
  modelMs: number;
}
