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
  return entries.map(eventIn).filter(({ event }) => (event.type as string) !== 'erased');
}

/** Returns the last event; undefined: there is no log. */
export async function readLastEvent(redis: Redis, requestId: string): Promise<NumberedEvent | undefined> {
  const [last] = await redis.xrevrange(redisKeys.answerLog(requestId), '+', '-', 'COUNT', 1);
  return last && eventIn(last);
}

const eventIn = ([id, fields]: [id: string, fields: string[]]): NumberedEvent => ({
  number: Number(id.slice(0, id.indexOf('-'))),
  event: JSON.parse(fields[1]!) as AnswerEvent,
});
