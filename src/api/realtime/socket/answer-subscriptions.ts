import { isEnd } from '../../../contracts/answer-text.ts';
import { ApiError } from '../../../contracts/errors.ts';
import type { CutOffEvent } from '../../../contracts/http/realtime-bodies.ts';
import type { AnswerReader } from '../follow-answer.ts';
import type { StreamPlaces } from '../stream-places.ts';
import type { Outbox } from './outbox.ts';

/** A subscription to an answer. */
export interface Subscription {
  readonly id: string;
  /** Aborted once nobody wants its events any more. */
  readonly gone: AbortSignal;
  readerOf(requestId: string): AnswerReader;
  /**
   * Says that it is over, unless the connection is. Its id and its place are free again.
   * @param nothingLeft the reader has had the end before
   */
  end(options?: { nothingLeft?: boolean }): Promise<void>;
  /** Gives up its id and its place without a word, unless it has ended. */
  drop(): void;
}

/** The subscriptions of one connection, by their ids. */
export interface Subscriptions {
  /** @throws ApiError validation_failed: the id is in use; too_many_streams */
  open(id: string, userId: string): Subscription;
  /** Ends a subscription soon. @returns whether there is one */
  close(id: string): boolean;
  closeAll(): void;
}

/** @param options.onCutOff called when a subscription is cut off */
export function createSubscriptions(options: {
  outbox: Outbox;
  places: StreamPlaces;
  onCutOff: (reason: CutOffEvent['reason']) => void;
}): Subscriptions {
  const { outbox, places, onCutOff } = options;
  const subscriptions = new Map<string, AbortController>();

  return {
    open: (id, userId) => {
      if (subscriptions.has(id)) {
        throw new ApiError('validation_failed', { errors: [{ path: 'id', message: 'belongs to a subscription' }] });
      }
      const giveBack = places.take(userId, 'ws');
      const going = new AbortController();
      subscriptions.set(id, going);
      let complete = false;
      let cutOff: CutOffEvent['reason'] | undefined;

      const drop = () => {
        if (subscriptions.get(id) !== going) return;
        subscriptions.delete(id);
        giveBack();
      };
      return {
        id,
        gone: going.signal,
        readerOf: (requestId) => ({
          begin: () => {},
          send: async (event, number) => {
            if (going.signal.aborted) return;
            await outbox.send({ type: 'event', id, requestId, number: number ?? null, event });
            complete = isEnd(event);
          },
          cutOff: (reason) => {
            cutOff = reason;
            onCutOff(reason);
          },
          end: () => {},
        }),
        end: async ({ nothingLeft = false } = {}) => {
          drop();
          if (cutOff) await outbox.send({ type: 'cut_off', id, reason: cutOff });
          else await outbox.send({ type: 'ended', id, complete: complete || nothingLeft });
        },
        drop,
      };
    },
    close: (id) => {
      subscriptions.get(id)?.abort();
      return subscriptions.has(id);
    },
    closeAll: () => {
      for (const going of subscriptions.values()) going.abort();
    },
  };
}
