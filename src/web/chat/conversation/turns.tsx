import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { ConversationState } from './open-conversation.ts';
import { Turn, type TurnActions } from './turn.tsx';

/** Somebody who is nearer to the end than this wants to see what comes. */
const NEAR_END_PX = 80;

/**
 * The turns of a conversation. While its reader is at the end, the end stays in view. Who has scrolled back is left alone.
 */
export function Turns(props: { state: ConversationState; actions: TurnActions; onEarlier: () => Promise<void> }) {
  const { state, actions, onEarlier } = props;
  const { turns, earlierCursor } = state;
  const scroller = useRef<HTMLElement>(null);
  const atEnd = useRef(true);
  /** Where the reader was before earlier turns were asked for, in pixels from the end. */
  const fromEnd = useRef<number | undefined>(undefined);
  const [isAway, setIsAway] = useState(false);
  const [loading, setLoading] = useState(false);
  const firstKey = turns[0]?.key;
  const lastKey = turns.at(-1)?.key;

  const toEnd = () => {
    const element = scroller.current;
    if (element) element.scrollTop = element.scrollHeight;
  };
  const onScroll = () => {
    const { scrollTop, scrollHeight, clientHeight } = scroller.current!;
    atEnd.current = scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
    setIsAway(!atEnd.current);
  };
  // A question of one's own is always shown.
  useLayoutEffect(() => {
    atEnd.current = true;
    toEnd();
  }, [lastKey]);
  // What was in view stays where it was when turns come above it.
  useLayoutEffect(() => {
    if (fromEnd.current === undefined) return;
    scroller.current!.scrollTop = scroller.current!.scrollHeight - fromEnd.current;
    fromEnd.current = undefined;
  }, [firstKey]);
  useLayoutEffect(() => {
    if (atEnd.current) toEnd();
  });
  useEffect(() => {
    // The window, the composer or a notice may take room away.
    const observer = new ResizeObserver(() => {
      if (atEnd.current) toEnd();
    });
    observer.observe(scroller.current!);
    return () => observer.disconnect();
  }, []);

  const earlier = async () => {
    const element = scroller.current!;
    fromEnd.current = element.scrollHeight - element.scrollTop;
    setLoading(true);
    await onEarlier();
    setLoading(false);
  };
  return (
    <div class="turns-frame">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what is scrolled must be reachable by keyboard */}
      <section class="turns" ref={scroller} onScroll={onScroll} tabIndex={0} aria-label="Questions and answers">
        <div class="column">
          {earlierCursor && (
            <button type="button" class="small earlier" onClick={earlier} disabled={loading}>
              {loading ? 'Loading …' : 'Earlier questions'}
            </button>
          )}
          {turns.map((turn) => (
            <Turn key={turn.key} turn={turn} actions={actions} />
          ))}
        </div>
      </section>
      {isAway && (
        <button
          type="button"
          class="small to-end"
          onClick={() => {
            atEnd.current = true;
            setIsAway(false);
            toEnd();
          }}
        >
          To the newest
        </button>
      )}
    </div>
  );
}
