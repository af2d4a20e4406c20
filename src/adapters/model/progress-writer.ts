import type { AnswerProgress } from '../../contracts/answer-progress.ts';
import { cutText } from '../../contracts/cut-text.ts';
import { limits } from '../../contracts/limits.ts';
import { createThinkingFilter } from './thinking-stream.ts';

/** Tells of an answer while one call writes it. All pieces together are the answer. */
export interface ProgressWriter {
  /** @param piece of what the model writes, with the thinking in it */
  write(piece: string): void;
  /**
   * Tells the rest. If the whole answer is another text than what was told, for example because the model left out the
   * tag before its thinking, it is told again from its beginning.
   * @param response the whole answer
   */
  settle(response: string): void;
}

/** @param options.callNow who writes, when the first text comes */
export function createProgressWriter(
  progress: AnswerProgress,
  options: { removeThinking: boolean; callNow: () => { provider: string; model: string } },
): ProgressWriter {
  const shownOf = options.removeThinking ? createThinkingFilter() : (piece: string) => piece;
  let told = '';
  /** The first half of a character whose second half has not come. */
  let half = '';

  function tell(text: string): void {
    if (text === '') return;
    if (told === '') progress.begun(options.callNow());
    told += text;
    progress.text(text);
  }

  return {
    write: (piece) => {
      let text = half + shownOf(piece);
      half = '';
      const end = text.charCodeAt(text.length - 1);
      if (end >= 0xd800 && end <= 0xdbff) {
        half = text.slice(-1);
        text = text.slice(0, -1);
      }
      if (told.length < limits.responseChars) tell(cutText(text.toWellFormed(), limits.responseChars - told.length));
    },
    settle: (response) => {
      if (response.startsWith(told)) return tell(response.slice(told.length));
      told = '';
      tell(response);
    },
  };
}
