const TAGS = ['<think>', '<thinking>', '<thought>', '<reasoning>'];
const OPENING = /^<(think|thinking|thought|reasoning)>/i;
const ANY_OPENING = /<(think|thinking|thought|reasoning)>/i;
/** The longest tag is shorter than this. */
const TAG_CHARS = 13;

const mayBecomeTag = (beginning: string) => TAGS.some((tag) => tag.startsWith(beginning.toLowerCase()));

/**
 * Removes the thinking from a text that arrives in pieces, as `withoutThinking` removes it from a whole text. The states:
 * - *beginning*: nothing was shown. A tag may begin, so the text is held while it may become one
 * - *thinking*: within a block. Nothing is shown until it is closed; then another block may begin
 * - *answer*: after a block. If another block begins, the rest is held: only the end tells what of it is thinking
 * - *plain*: the text does not begin with thinking, so all of it is shown
 *
 * What is held at the end, and a closing tag that was never opened, are for `withoutThinking`, which sees the whole text.
 * @returns a function that returns what may be shown of a piece
 */
export function createThinkingFilter(): (piece: string) => string {
  let state: 'beginning' | 'thinking' | 'answer' | 'plain' | 'held' = 'beginning';
  let held = '';
  let tag = '';
  let depth = 0;
  let wasRemoved = false;

  function begin(): string {
    const begun = held.trimStart();
    const open = OPENING.exec(begun);
    if (open) {
      [state, tag, depth, wasRemoved] = ['thinking', open[1]!, 1, true];
      return take(begun.slice(open[0].length));
    }
    if (mayBecomeTag(begun)) return '';
    if (!wasRemoved) {
      state = 'plain';
      return release(held.length);
    }
    state = 'answer';
    return take(begun);
  }

  function think(): string {
    let counted = 0;
    for (const match of held.matchAll(new RegExp(`<(/?)${tag}>`, 'gi'))) {
      counted = match.index + match[0].length;
      depth += match[1] ? -1 : 1;
      if (depth > 0) continue;
      state = 'beginning';
      return take(held.slice(counted));
    }
    // A tag may be cut here.
    held = held.slice(Math.max(counted, held.length - TAG_CHARS));
    return '';
  }

  function answer(): string {
    const opening = held.search(ANY_OPENING);
    if (opening >= 0) state = 'held';
    const last = held.lastIndexOf('<');
    const isCutTag = last >= 0 && mayBecomeTag(held.slice(last));
    return release(opening >= 0 ? opening : isCutTag ? last : held.length);
  }

  /** Shows the beginning of what is held. */
  function release(chars: number): string {
    const shown = held.slice(0, chars);
    held = state === 'held' ? '' : held.slice(chars);
    return shown;
  }

  /** Goes on with another text than the one that is held. */
  function take(rest: string): string {
    held = '';
    return write(rest);
  }

  function write(piece: string): string {
    if (state === 'plain') return piece;
    if (state === 'held') return '';
    held += piece;
    if (state === 'beginning') return begin();
    return state === 'thinking' ? think() : answer();
  }
  return write;
}
