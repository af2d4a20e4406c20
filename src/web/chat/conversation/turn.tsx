import { memo } from 'preact/compat';
import { CopyButton } from '../../components/copy-button.tsx';
import { readsLikeEmergency } from '../emergency.ts';
import { EmergencyNotice } from '../emergency-notice.tsx';
import { Markdown } from '../markdown/markdown.tsx';
import { FeedbackRow } from './feedback-row.tsx';
import type { OpenConversation } from './open-conversation.ts';
import { hasEnded, isOpen, type ShownTurn } from './shown-turn.ts';
import { TurnState } from './turn-state.tsx';

export interface TurnActions {
  /** Sends an unsent question once more. */
  resend: (turn: ShownTurn) => void;
  /** Asks the same once more, as a new question. */
  askAgain: (turn: ShownTurn) => void;
  /** Puts the question into the composer. */
  edit: (turn: ShownTurn) => void;
  rate: OpenConversation['rate'];
}

/** A question and its answer. */
export const Turn = memo(function Turn({ turn, actions }: { turn: ShownTurn; actions: TurnActions }) {
  const { message, text, status } = turn;
  const emergency = readsLikeEmergency(message);
  const ended = hasEnded(turn);
  return (
    <article class="turn" aria-label="Question and answer" data-status={status} aria-busy={isOpen(turn)}>
      <div class="question">
        <h2 class="visually-hidden">You asked</h2>
        <p dir="auto">{message}</p>
      </div>
      <div class="answer">
        <h2 class="visually-hidden">Answer</h2>
        {emergency && <EmergencyNotice kind={emergency} announced={false} />}
        {text !== '' && <Markdown text={text} />}
        <TurnState turn={turn} />
        <footer>
          {status === 'unsent' && (
            <button type="button" class="small" onClick={() => actions.resend(turn)}>
              Send again
            </button>
          )}
          {text !== '' && ended && <CopyButton text={text} what="this answer" />}
          {ended && (
            <button type="button" class="small" onClick={() => actions.askAgain(turn)}>
              Try again
            </button>
          )}
          {(ended || status === 'unsent') && (
            <button type="button" class="small" onClick={() => actions.edit(turn)}>
              Edit<span class="visually-hidden"> this question and ask again</span>
            </button>
          )}
          {ended && text !== '' && <FeedbackRow turn={turn} rate={actions.rate} />}
          {ended && <Source turn={turn} />}
        </footer>
      </div>
    </article>
  );
});

/** Who has answered. */
function Source({ turn: { model, cached, totalMs, status } }: { turn: ShownTurn }) {
  if (status !== 'completed' || !model) return null;
  const time = totalMs !== null && !cached ? ` · ${Math.max(0.1, totalMs / 1_000).toFixed(1)} s` : '';
  return (
    <span class="source">
      {model}
      {cached ? ' · answered from cache' : time}
    </span>
  );
}
