import { redisKeys } from '../../../contracts/redis-keys.ts';
import { orStoreUnavailable } from '../../redis/connect-redis.ts';
import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';
import { logChannelOf } from '../log-channel.ts';
import type { KeptEvent } from '../sealed-events.ts';

const script = defineScript(import.meta.dirname, 'append-events');

/** An event without an `offset` of its own gets the present length of the text. */
export type EventToAppend = { event: KeptEvent; charsAfter: number } | { event: object; charsAfter?: undefined };

export interface Appended {
  outcome: 'written' | 'lost' | 'ended' | 'begun' | 'gap';
  /** Of the last event in the log; -1 for none. */
  number: number;
  /** Of all events of the log. */
  bytes: number;
}

/**
 * Appends events to a request's log, and tells its readers. One round trip. Repeating it does no harm.
 * @param batch.epoch of the attempt; 0 for an api
 * @param batch.first number of the first event; undefined for the first ones of an attempt
 * @param batch.mayJump whether numbers may be left out before them
 * @param batch.keptMs how long the log is kept from now on; undefined if that stays as it is
 * @throws StoreUnavailableError
 */
export async function appendEvents(
  redis: Redis,
  requestId: string,
  batch: {
    epoch: number;
    first: number | undefined;
    mayJump?: boolean;
    ends: boolean;
    keptMs: number | undefined;
    events: readonly EventToAppend[];
  },
): Promise<Appended> {
  const { epoch, first = -1, mayJump = false, ends, keptMs = 0, events } = batch;
  const args = [epoch, first, mayJump ? 1 : 0, ends ? 1 : 0, keptMs, logChannelOf(redis, requestId)];
  args.push(new Date().toISOString());
  for (const { event, charsAfter } of events) args.push(JSON.stringify(event), charsAfter ?? -1);
  const reply = await orStoreUnavailable(script(redis, [redisKeys.answerLog(requestId)], args));
  const [outcome, number, bytes] = reply as [Appended['outcome'], number, number];
  return { outcome, number, bytes };
}
