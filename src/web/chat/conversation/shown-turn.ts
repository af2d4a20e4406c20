import type { Connection } from '../../../client/answer-stream.ts';
import type { AnswerEvent } from '../../../client/chat-client.ts';
import { textAfter } from '../../../client/chat-client.ts';
import type { Failure } from '../../../contracts/chat-response.ts';
import type { Feedback } from '../../../contracts/feedback.ts';
import type { TurnBody, TurnStatus } from '../../../contracts/http/chat-bodies.ts';

/** A question and its answer, as far as the page knows it. */
export interface ShownTurn {
  /** Names it within the page, from the moment when it is sent. */
  key: string;
  /** undefined: the api has not accepted it yet. */
  requestId: string | undefined;
  message: string;
  /** `sending`: the api has not accepted it yet. `unsent`: it could not be sent, and `problem` says why. */
  status: TurnStatus | 'sending' | 'unsent';
  /** The answer so far. */
  text: string;
  error: Failure | null;
  /** Why there will be another attempt, and when. */
  retry: { code: string; nextAt: string | null } | null;
  model: string | null;
  cached: boolean;
  finishReason: TurnBody['finishReason'];
  totalMs: number | null;
  feedback: Feedback | null;
  /** How many wait before it. null: not known. */
  position: number | null;
  /** ms. null: not known. */
  etaMs: number | null;
  /** Its user has stopped it, and the api has not said so yet. */
  stopping: boolean;
  /** undefined: nothing is read. */
  connection: Connection | undefined;
  problem: string | undefined;
}

const blank = {
  text: '',
  error: null,
  retry: null,
  model: null,
  cached: false,
  finishReason: null,
  totalMs: null,
  feedback: null,
  position: null,
  etaMs: null,
  stopping: false,
  connection: undefined,
  problem: undefined,
} as const;

/** A question that has just been asked. */
export const newTurn = (key: string, message: string): ShownTurn => ({
  ...blank,
  key,
  requestId: undefined,
  message,
  status: 'sending',
});

export const shownTurn = (turn: TurnBody): ShownTurn => ({
  ...blank,
  key: turn.requestId,
  requestId: turn.requestId,
  message: turn.message,
  ...endedParts(turn),
});

/** What a turn of the api says of its answer. */
export const endedParts = (turn: TurnBody) => ({
  status: turn.status,
  text: turn.response ?? '',
  error: turn.error,
  retry: turn.retry,
  model: turn.model,
  cached: turn.cached,
  finishReason: turn.finishReason,
  totalMs: turn.timings?.totalMs ?? null,
  feedback: turn.feedback,
});

export const hasEnded = ({ status }: Pick<ShownTurn | TurnBody, 'status'>) =>
  status === 'completed' || status === 'failed' || status === 'cancelled';

/** Whether something is still to come by itself. */
export const isOpen = (turn: ShownTurn) => !hasEnded(turn) && turn.status !== 'unsent';

/** Returns a turn after one more event of its answer log. */
export function turnAfter(turn: ShownTurn, event: AnswerEvent): ShownTurn {
  const next = { ...turn, text: textAfter(turn.text, event), retry: null };
  switch (event.type) {
    case 'queued':
      return { ...next, status: 'queued' };
    case 'started':
    case 'restarted':
      return { ...next, status: 'asking', model: event.type === 'started' ? (event.model ?? next.model) : null };
    case 'delta':
      return { ...next, status: 'asking' };
    case 'retrying':
      return { ...next, status: 'retrying', retry: { code: event.code, nextAt: event.nextAt } };
    case 'completed': {
      const { model, cached, finishReason, timings } = event;
      return { ...next, status: 'completed', model, cached, finishReason, totalMs: timings.totalMs };
    }
    case 'failed':
      return { ...next, status: 'failed', error: event.error };
    case 'cancelled':
      return { ...next, status: 'cancelled', finishReason: 'cancelled' };
    default:
      return turn;
  }
}
