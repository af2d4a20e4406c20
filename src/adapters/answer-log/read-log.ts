import type { NumberedEvent } from '../../contracts/answer-events.ts';
import { textAfter } from '../../contracts/answer-text.ts';
import { redisKeys } from '../../contracts/redis-keys.ts';
import type { TextSeals } from '../../contracts/sealing.ts';
import type { Redis } from '../redis/redis.ts';
import type { LogOf } from './answer-log.ts';
import { type KeptEvent, type NumberedKeptEvent, openEvents } from './sealed-events.ts';

/** An event as the log has it. */
export interface LogEntry extends NumberedKeptEvent {
  /** Whether the log's own request has written it. Otherwise it was copied, or copying begins with it. */
  isOwn: boolean;
  /** Only for an entry from the store that is not the request's own. */
  follows?: Followed;
}

/** The request whose events a log shows, because it asks the model. */
export interface Followed {
  asker: string;
  /** The number, in its own log, up to which its events were copied. */
  copied: number;
}

/**
 * Reads the events after a number, oldest first. An erased log has none.
 * @param count at most so many
 * @returns `isWhole`: there were no more at that moment
 */
export async function readPage(
  redis: Redis,
  requestId: string,
  after: number,
  count: number,
): Promise<{ entries: LogEntry[]; isWhole: boolean }> {
  const stored = await redis.xrange(redisKeys.answerLog(requestId), String(after + 1), '+', 'COUNT', count);
  return { entries: stored.map(entryIn).filter((entry) => entry !== undefined), isWhole: stored.length < count };
}

/**
 * Returns the text that readers of the whole log have, and its last event; undefined: there is no log, or it was erased, or its
 * user's key was destroyed.
 */
export async function readText(
  redis: Redis,
  seals: TextSeals,
  log: LogOf,
): Promise<{ text: string; last: NumberedEvent } | undefined> {
  const { entries } = await readPage(redis, log.requestId, -1, Number.MAX_SAFE_INTEGER);
  const events = await openEvents(seals, log, entries);
  const last = events?.at(-1);
  return last && { text: events!.reduce((before, { event }) => textAfter(before, event), ''), last };
}

/** Returns the last event; undefined: there is no log, or it was erased. */
export async function readLastEntry(redis: Redis, requestId: string): Promise<LogEntry | undefined> {
  // The last entry may be one that readers do not see.
  const stored = await redis.xrevrange(redisKeys.answerLog(requestId), '+', '-', 'COUNT', 2);
  return stored.map(entryIn).find((entry) => entry !== undefined);
}

/** The fields are described in log-entries.lua. */
function entryIn([id, fields]: [id: string, fields: string[]]): LogEntry | undefined {
  const [, json, , , , , mark, marked, , copied] = fields;
  if (json === '') return undefined;
  return {
    number: Number(id.slice(0, id.indexOf('-'))),
    event: JSON.parse(json!) as KeptEvent,
    isOwn: mark !== 'f',
    ...(mark === 'f' && { follows: { asker: marked!, copied: Number(copied) } }),
  };
}
