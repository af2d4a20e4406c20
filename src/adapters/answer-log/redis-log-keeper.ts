import type { AnswerEventType } from '../../contracts/answer-events.ts';
import { redisKeys } from '../../contracts/redis-keys.ts';
import type { TextSeals } from '../../contracts/sealing.ts';
import { orStoreUnavailable } from '../redis/connect-redis.ts';
import type { Redis } from '../redis/redis.ts';
import type { AnswerLogKeeper, EndOf } from './answer-log.ts';
import { readText } from './read-log.ts';
import { keptUnended } from './redis-log-writer.ts';
import { appendEvents } from './redis-scripts/append-events.ts';
import { eraseLog } from './redis-scripts/erase-log.ts';

export function createRedisLogKeeper(options: { redis: Redis; seals: TextSeals; ttlMs: number }): AnswerLogKeeper {
  const { redis, seals, ttlMs } = options;

  /** Returns those that were not erased. One round trip. */
  async function existing(requestIds: readonly string[]): Promise<string[]> {
    const firsts = requestIds.map((requestId) => redis.xrange(redisKeys.answerLog(requestId), '-', '+', 'COUNT', 1));
    const found = await orStoreUnavailable(Promise.all(firsts));
    return requestIds.filter((_, index) => found[index]![0] && !isErased(found[index]![0][1]));
  }

  async function* texts(userId: string, requestIds: readonly string[]) {
    for (const requestId of await existing(requestIds)) {
      const log = await orStoreUnavailable(readText(redis, seals, { requestId, userId }));
      if (log) yield { requestId, text: log.text };
    }
  }

  return {
    queued: async (requestId, deadlineAt) => {
      const keptMs = keptUnended(deadlineAt, ttlMs);
      // The script itself begins a log with `queued`.
      await appendEvents(redis, requestId, { epoch: 0, first: undefined, ends: false, keptMs, events: [] });
    },
    end: async (logs, end) => {
      const events = [endOf(end)];
      // Each of these waits for one round trip, however many logs there are.
      await Promise.all(
        logs.map(({ requestId }) =>
          appendEvents(redis, requestId, { epoch: 0, first: undefined, ends: true, keptMs: ttlMs, events }),
        ),
      );
      const read = await orStoreUnavailable(Promise.all(logs.map((log) => readText(redis, seals, log))));
      const ended = new Map<string, { end: AnswerEventType; text: string }>();
      for (const [index, log] of read.entries()) {
        if (log) ended.set(logs[index]!.requestId, { end: log.last.event.type, text: log.text });
      }
      return ended;
    },
    erase: async (requestIds) => {
      await Promise.all(requestIds.map((requestId) => eraseLog(redis, requestId)));
    },
    count: async (requestIds) => (await existing(requestIds)).length,
    texts,
  };
}

/** What erase-log.lua leaves has no event. */
const isErased = (fields: readonly string[]) => fields[fields.indexOf('e') + 1] === '';

/** The script adds the length of the text. */
const endOf = (end: EndOf) => (end.type === 'failed' ? { event: end, charsAfter: 0 } : { event: { ...end, rest: '' } });
