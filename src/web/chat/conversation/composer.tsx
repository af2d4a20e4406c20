import type { RefObject } from 'preact';
import { useLayoutEffect, useState } from 'preact/hooks';
import { readsLikeEmergency } from '../emergency.ts';
import { EmergencyNotice } from '../emergency-notice.tsx';
import type { Draft } from './draft.ts';

/** The API's own bound; see `limits.messageChars`. */
const MOST_CHARS = 16_000;
/** From here on the reader is told how much is left. */
const NEAR_CHARS = 15_000;

/** Where a question is written. */
export function Composer(props: {
  field: RefObject<HTMLTextAreaElement | null>;
  draft: Draft;
  onDraft: (text: string) => void;
  onSend: () => void;
  /** undefined: there is nothing to stop. */
  onStop: (() => void) | undefined;
  stopping: boolean;
}) {
  const { field, draft, onDraft, onSend, onStop, stopping } = props;
  const [composing, setComposing] = useState(false);
  const { text } = draft;
  const emergency = readsLikeEmergency(text);
  const left = MOST_CHARS - text.length;
  const canSend = text.trim() !== '' && left >= 0 && !onStop;
  useLayoutEffect(() => {
    const element = field.current;
    if (!element) return;
    // The field grows with its text.
    element.style.height = 'auto';
    element.style.height = `${element.scrollHeight + 2}px`;
  }, [text]);

  const onKeyDown = (event: KeyboardEvent) => {
    // Enter also ends the choice of a character in Chinese, Japanese and other scripts.
    if (event.isComposing || composing) return;
    if (event.key === 'Enter' && !event.shiftKey && !event.ctrlKey && !event.altKey) {
      event.preventDefault();
      if (canSend) onSend();
    } else if (event.key === 'Escape' && onStop && !stopping) onStop();
  };
  return (
    <div class="composer">
      {emergency && <EmergencyNotice kind={emergency} announced />}
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (canSend) onSend();
        }}
      >
        <label class="visually-hidden" for="question">
          Your question
        </label>
        <textarea
          id="question"
          ref={field}
          rows={1}
          dir="auto"
          placeholder="Ask about health …"
          value={text}
          aria-describedby="keys"
          onInput={(event) => onDraft(event.currentTarget.value)}
          onKeyDown={onKeyDown}
          onCompositionStart={() => setComposing(true)}
          onCompositionEnd={() => setComposing(false)}
        />
        {onStop ? (
          <button type="button" class="send" onClick={onStop} disabled={stopping}>
            <svg viewBox="0 0 16 16" aria-hidden="true">
              <path d="M4 4h8v8H4z" />
            </svg>
            {stopping ? 'Stopping' : 'Stop'}
          </button>
        ) : (
          <button type="submit" class="send primary" disabled={!canSend}>
            <svg viewBox="0 0 16 16" aria-hidden="true">
              <path d="M8 2.5 13 8l-1.2 1.1-2.9-3.100V14H7.100V6L4.200 9.100 3 8Z" />
            </svg>
            Ask
          </button>
        )}
      </form>
      <p id="keys" class="hint">
        {left < MOST_CHARS - NEAR_CHARS ? (
          <span class={left < 0 ? 'tone-bad' : undefined} role="status">
            {left < 0 ? `${-left} characters too many` : `${left} characters left`}
          </span>
        ) : (
          <>
            <span class="keys">
              <kbd>Enter</kbd> asks, <kbd>Shift</kbd>+<kbd>Enter</kbd> begins a line, <kbd>Esc</kbd> stops an answer.{' '}
            </span>
            This assistant is no doctor and makes mistakes.
          </>
        )}
      </p>
    </div>
  );
}
