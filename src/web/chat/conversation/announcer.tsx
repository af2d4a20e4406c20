import { useEffect, useRef, useState } from 'preact/hooks';
import { hasEnded, type ShownTurn } from './shown-turn.ts';

const EVERY_MS = 2_500;
/** A sentence that has ended, or a line. */
const ENDS = /[.!?…。！？؟]["'”»)\]]*\s|\n/g;

/** Returns how much of a text can be read out already: whole sentences. */
export function sayable(text: string): number {
  let end = 0;
  for (const match of text.matchAll(ENDS)) end = match.index + match[0].length;
  return end;
}

/**
 * Tells screen readers what the newest answer says, by whole sentences, while it is being written. It waits until they have
 * finished with something else.
 */
export function Announcer({ turn }: { turn: ShownTurn | undefined }) {
  const [said, setSaid] = useState('');
  const latest = useRef(turn);
  const done = useRef({ key: '', upTo: 0, ended: true });
  latest.current = turn;
  useEffect(() => {
    const timer = setInterval(() => {
      const now = latest.current;
      if (!now) return;
      if (now.key !== done.current.key) {
        // What is there when a conversation is opened is not news.
        done.current = { key: now.key, upTo: 0, ended: hasEnded(now) };
        if (!hasEnded(now)) setSaid('The assistant is asked.');
      } else if (!done.current.ended) {
        // An answer that began again is said again.
        const upTo = Math.min(done.current.upTo, now.text.length);
        const end = hasEnded(now) ? now.text.length : sayable(now.text);
        done.current = { key: now.key, upTo: Math.max(upTo, end), ended: hasEnded(now) };
        const piece = plain(now.text.slice(upTo, end));
        const last = hasEnded(now) ? ` ${endWords(now)}` : '';
        if (piece || last) setSaid(piece + last);
      }
    }, EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  return (
    <div class="visually-hidden" aria-live="polite" aria-atomic="true" data-announcer>
      {said}
    </div>
  );
}

const endWords = ({ status, error }: ShownTurn) =>
  status === 'completed' ? 'The answer is complete.' : status === 'failed' ? (error?.message ?? '') : 'Stopped.';

/** Signs of Markdown are not read out. */
const plain = (text: string) => text.replace(/[*_`#>|]+/g, '').trim();
