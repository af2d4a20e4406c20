import type { EndEvent } from '../../contracts/answer-events.ts';
import type { Answer } from '../../contracts/conversation.ts';

/** Returns how a turn has ended, as the last event of its log. All of its text is in the event. */
export function endOfTurn(answer: Answer): EndEvent {
  const { status, completedAt: at, attempts } = answer;
  if (status === 'failed') return { type: 'failed', at, error: answer.error!, attempts };
  const text = { rest: answer.response ?? '', offset: 0 };
  if (status === 'cancelled') return { type: 'cancelled', at, ...text, finishReason: 'cancelled' };
  const { model, provider, cached, usage, finishReason, timings } = answer;
  return { type: 'completed', at, ...text, model, provider, cached, usage, finishReason, attempts, timings };
}
