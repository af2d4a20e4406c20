import type { FinishReason, Usage } from './chat-response.ts';

/** What a model answered, whichever provider gave it. */
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
