/** Is told while a model writes. Both functions return at once and never throw. */
export interface AnswerProgress {
  /**
   * A model call has written its first text. If it is called again, another call (a retry or a fallback) has taken over,
   * and what the earlier call wrote is void.
   */
  begun(call: { provider: string; model: string }): void;
  /** @param piece the next piece of the answer. It is never empty, and never ends within a character */
  text(piece: string): void;
}
