import { createHmac } from 'node:crypto';
import { cutText } from '../../../contracts/cut-text.ts';
import { limits } from '../../../contracts/limits.ts';
import type { FindIdentities, Identity } from './identity.ts';

/** `[EMAIL-3f2a91c0]`. A model may change the case of letters. */
const PLACEHOLDER = /\[[A-Z]{1,20}-[0-9a-f]{8,16}\]/gi;
/** The beginning of a placeholder that has not ended. */
const BEGINNING = /\[(?:[A-Z]{0,20}|[A-Z]{1,20}-[0-9a-f]{0,16})$/i;
const TAG_CHARS = 8;

/** Replaces what tells who somebody is in the texts of one conversation, and puts it back. */
export interface Placeholders {
  /** How many parts were replaced, by kind. */
  readonly replaced: ReadonlyMap<string, number>;
  replace(text: string): string;
  /** Puts back what was replaced. The result is at most as long as an answer may be. */
  restore(text: string): string;
  /** Returns a function that restores a text that comes in pieces. */
  restorePieces(): PieceRestorer;
}

export interface PieceRestorer {
  /** @returns the text that is certain by now, or ''. The beginning of a placeholder is held back */
  add(piece: string): string;
  /** Returns what was held back. */
  end(): string;
}

/**
 * Makes the placeholders of a conversation. The same part gets the same placeholder in all its turns, from every worker. Nobody
 * without the key can tell what a placeholder stands for, nor whether two conversations have the same.
 */
export function createPlaceholders(options: { find: FindIdentities; key: string; conversation: string }): Placeholders {
  const { find, key, conversation } = options;
  const originals = new Map<string, string>();
  const placeholders = new Map<string, string>();
  const replaced = new Map<string, number>();

  function placeholderOf(kind: string, original: string): string {
    const known = placeholders.get(original);
    if (known !== undefined) return known;
    const tag = createHmac('sha256', key)
      .update(JSON.stringify([conversation, kind, original]))
      .digest('hex');
    // A longer tag, if another part has the same already.
    let placeholder: string;
    let chars = TAG_CHARS;
    do placeholder = `[${kind}-${tag.slice(0, chars++)}]`;
    while (originals.has(placeholder.toLowerCase()));
    originals.set(placeholder.toLowerCase(), original);
    placeholders.set(original, placeholder);
    return placeholder;
  }

  const originalOf = (placeholder: string) => originals.get(placeholder.toLowerCase()) ?? placeholder;
  const restoreAll = (text: string) => (originals.size === 0 ? text : text.replace(PLACEHOLDER, originalOf));

  return {
    replaced,
    replace: (text) => {
      let result = '';
      let at = 0;
      for (const { kind, start, end } of withoutOverlaps(find(text))) {
        result += text.slice(at, start) + placeholderOf(kind, text.slice(start, end));
        at = end;
        replaced.set(kind, (replaced.get(kind) ?? 0) + 1);
      }
      return result + text.slice(at);
    },
    restore: (text) => cutText(restoreAll(text), limits.responseChars),
    restorePieces: () => {
      let held = '';
      let room: number = limits.responseChars;
      const tell = (text: string) => {
        const restored = cutText(restoreAll(text), room);
        room -= restored.length;
        return restored;
      };
      return {
        add: (piece) => {
          const text = held + piece;
          const beginning = originals.size === 0 ? -1 : text.search(BEGINNING);
          held = beginning < 0 ? '' : text.slice(beginning);
          return tell(beginning < 0 ? text : text.slice(0, beginning));
        },
        end: () => {
          const rest = held;
          held = '';
          return tell(rest);
        },
      };
    },
  };
}

/** Returns them in the order of the text. If some overlap, the first that was found counts. */
function withoutOverlaps(found: readonly Identity[]): Identity[] {
  const kept: Identity[] = [];
  for (const one of found.toSorted((a, b) => a.start - b.start)) {
    const last = kept.at(-1);
    if (!last || one.start >= last.end) kept.push(one);
    else if (one.end > last.end) last.end = one.end;
  }
  return kept;
}
