import { cutText } from './cut-text.ts';
import { limits } from './limits.ts';

/** The longest title that is made from a question. Users may choose longer ones: `limits.titleChars`. */
const MADE_CHARS = 60;
const ELLIPSIS = '…';

/**
 * Characters that a line of text must not have: control characters, and those that turn the direction of the text after
 * them. The joiners stay, because Persian words and some emoji need them.
 */
const UNWANTED = /[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu;
const words = new Intl.Segmenter(undefined, { granularity: 'word' });

/** Returns a text as a single line without control characters. It may be empty. */
export const oneLine = (text: string): string =>
  text.toWellFormed().replace(/\s+/gu, ' ').replace(UNWANTED, '').replace(/ {2,}/g, ' ').trim();

/**
 * Makes the title of a conversation from its first question: the beginning, cut after a word. No more than 60 UTF-16 code
 * units. Empty if the question has only control characters.
 */
export function titleOf(question: string): string {
  // Only the beginning is looked at, however long the question is.
  const line = oneLine(cutText(question, limits.titleChars * 4));
  if (line.length <= MADE_CHARS) return line;
  let end = 0;
  for (const { index, segment } of words.segment(cutText(line, MADE_CHARS + 1))) {
    const next = index + segment.length;
    if (next > MADE_CHARS - ELLIPSIS.length) break;
    end = next;
  }
  // A word that is longer than a title is cut.
  const cut = end > 0 ? line.slice(0, end) : cutText(line, MADE_CHARS - ELLIPSIS.length);
  return cut.trimEnd() + ELLIPSIS;
}
