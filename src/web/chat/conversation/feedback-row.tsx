import { useEffect, useRef, useState } from 'preact/hooks';
import type { FeedbackReason, Rating } from '../../../contracts/feedback.ts';
import { feedbackReasons, feedbackWords } from '../words.ts';
import type { OpenConversation } from './open-conversation.ts';
import type { ShownTurn } from './shown-turn.ts';

const COMMENT_CHARS = 1_000;
const THUMB =
  'M6.500 14h5.300c.7 0 1.300-.5 1.400-1.100l.8-4.500A1.400 1.400 0 0 0 12.600 6.700H9.400l.5-2.600c.2-1.200-.5-2.100-1.500-2.100L5.500 7.300V13c0 .6.4 1 1 1ZM2 7.300h2V14H2Z';

/** Thumbs. A thumb counts at once, and the reason may follow. */
export function FeedbackRow({ turn, rate }: { turn: ShownTurn; rate: OpenConversation['rate'] }) {
  const [asking, setAsking] = useState(false);
  const given = turn.feedback?.rating;
  const press = (rating: Rating) => {
    setAsking(given !== rating);
    void rate(turn, given === rating ? null : { rating, reason: null, comment: null });
  };
  return (
    <>
      <span class="thumbs">
        {(['up', 'down'] as const).map((rating) => (
          <button
            key={rating}
            type="button"
            class={`small thumb ${rating}`}
            aria-pressed={given === rating}
            aria-label={rating === 'up' ? 'Good answer' : 'Bad answer'}
            title={rating === 'up' ? 'Good answer' : 'Bad answer'}
            onClick={() => press(rating)}
          >
            <svg viewBox="0 0 16 16" aria-hidden="true">
              <path d={THUMB} />
            </svg>
          </button>
        ))}
      </span>
      {asking && turn.feedback && (
        <ReasonForm
          rating={turn.feedback.rating}
          onClose={() => setAsking(false)}
          onReason={(reason, comment) => {
            setAsking(false);
            void rate(turn, { rating: turn.feedback!.rating, reason, comment });
          }}
        />
      )}
      <span class="visually-hidden" role="status">
        {given && !asking ? 'Thank you. Your rating is kept.' : ''}
      </span>
    </>
  );
}

function ReasonForm(props: {
  rating: Rating;
  onReason: (reason: FeedbackReason | null, comment: string | null) => void;
  onClose: () => void;
}) {
  const { rating, onReason, onClose } = props;
  const first = useRef<HTMLSelectElement>(null);
  useEffect(() => first.current?.focus(), [rating]);
  return (
    <form
      class="reason"
      aria-label="Why?"
      onSubmit={(event) => {
        event.preventDefault();
        const fields = new FormData(event.currentTarget);
        const comment = String(fields.get('comment') ?? '').trim();
        onReason((fields.get('reason') as FeedbackReason) || null, comment || null);
      }}
      onKeyDown={(event) => {
        if (event.key === 'Escape') onClose();
      }}
    >
      <label>
        {rating === 'up' ? 'What was good?' : 'What was wrong?'}
        <select ref={first} name="reason">
          <option value="">No reason</option>
          {feedbackReasons[rating].map((reason) => (
            <option key={reason} value={reason}>
              {feedbackWords[reason]}
            </option>
          ))}
        </select>
      </label>
      <label>
        In your words (only you can read this again)
        <input name="comment" maxLength={COMMENT_CHARS} dir="auto" autocomplete="off" />
      </label>
      <span class="buttons">
        <button type="button" class="small" onClick={onClose}>
          Not now
        </button>
        <button type="submit" class="small primary">
          Send
        </button>
      </span>
    </form>
  );
}
