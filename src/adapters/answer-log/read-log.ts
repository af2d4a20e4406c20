import type { Redis } from 'ioredis';
import type { AnswerEvent, NumberedEvent } from '../../contracts/answer-events.ts';
import { redisKeys } from '../../contracts/redis-keys.ts';

/** Reads the events after a number, oldest first. An erased log has none. @param count at most so many; left out: all */
export async function readLog(
  redis: Redis,
  requestId: string,
  after: number,
  count = Number.MAX_SAFE_INTEGER,
): Promise<NumberedEvent[]> {
  const entries = await redis.xrange(redisKeys.answerLog(requestId), String(after + 1), '+', 'COUNT', count);
  const events = entries.map(([id, fields]) => ({
    number: numberIn(id),
    event: JSON.parse(fields[1]!) as AnswerEvent,
  }));
  return events.filter(({ event }) => (event.type as string) !== 'erased');
}

/** Returns the number of the last event; undefined: there is no log. */
export async function lastNumber(redis: Redis, requestId: string): Promise<number | undefined> {
  const [last] = await redis.xrevrange(redisKeys.answerLog(requestId), '+', '-', 'COUNT', 1);
  return last && numberIn(last[0]);
}

const numberIn = (id: string) => Number(id.slice(0, id.indexOf('-')));
