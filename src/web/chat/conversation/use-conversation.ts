import { useEffect, useRef, useState } from 'preact/hooks';
import { client } from '../api.ts';
import { type Accepted, type OpenConversation, openConversation } from './open-conversation.ts';

/** Text comes up to fifty times a second. The page is drawn at most this often while it is busy drawing. */
const MOST_SHARE_OF_TIME = 0.25;

/**
 * Keeps a conversation open, and draws it anew when it has changed.
 * @param sessionId undefined: a new one
 */
export function useConversation(sessionId: string | undefined, onAccepted: Accepted): OpenConversation {
  const [, draw] = useState({});
  const open = useRef<OpenConversation | undefined>(undefined);
  const accepted = useRef(onAccepted);
  accepted.current = onAccepted;

  // The first question gives a new conversation its id. It stays the same conversation.
  const isCurrent = open.current && open.current.state.sessionId === sessionId;
  if (!isCurrent) {
    open.current?.close();
    open.current = openConversation({
      client,
      sessionId,
      onChange: drawInTime(() => draw({})),
      onAccepted: (...given) => accepted.current(...given),
    });
  }
  const conversation = open.current!;

  useEffect(() => {
    if (conversation.state.loading === 'loading') void conversation.load();
    const refresh = () => {
      if (document.visibilityState === 'visible') void conversation.load();
    };
    document.addEventListener('visibilitychange', refresh);
    addEventListener('online', refresh);
    return () => {
      document.removeEventListener('visibilitychange', refresh);
      removeEventListener('online', refresh);
    };
  }, [conversation]);
  useEffect(() => () => open.current?.close(), []);
  return conversation;
}

/** Calls back in the next frame, or later if the last drawing took long. */
function drawInTime(draw: () => void): () => void {
  let waiting = false;
  let tookMs = 0;
  return () => {
    if (waiting) return;
    waiting = true;
    const now = () => {
      waiting = false;
      const begunAt = performance.now();
      draw();
      // Preact draws in a microtask, before the next task.
      setTimeout(() => {
        tookMs = performance.now() - begunAt;
      });
    };
    if (document.hidden) setTimeout(now, 250);
    else setTimeout(() => requestAnimationFrame(now), Math.min(1_000, tookMs / MOST_SHARE_OF_TIME));
  };
}
