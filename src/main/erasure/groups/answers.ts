import type { AnswerLogKeeper } from '../../../adapters/answer-log/answer-log.ts';
import { countAnswers, eraseAnswers, readAnswers } from '../../../adapters/answers/kept-answers.ts';
import type { Redis } from '../../../adapters/redis/redis.ts';
import type { DataGroup } from '../../../api/erasure/data-group.ts';
import type { CacheKeys } from '../../../contracts/cache-keys.ts';
import { together } from './traces.ts';

/** No list has them: they are found by the ids of requests, conversations and answers. */
export function answersGroup(options: {
  logs: Pick<AnswerLogKeeper, 'count' | 'erase' | 'texts'>;
  cacheRedis: Redis;
  cacheKeys: CacheKeys;
}): DataGroup<'answer_logs' | 'cached_answers' | 'last_answers'> {
  const { logs, cacheRedis, cacheKeys } = options;
  const cache = { redis: cacheRedis, keys: cacheKeys };

  return {
    export: {
      answer_logs: async function* ({ userId, traces }) {
        for await (const { requestIds } of together(traces())) yield* logs.texts(userId, requestIds);
      },
      cached_answers: async function* ({ userId, traces }) {
        for await (const { answerKeys } of together(traces())) {
          const { cached } = await readAnswers(cache, userId, { sessionIds: [], answerKeys });
          yield* cached.map((answer) => ({ answer, sharedWithOthers: answer === null }));
        }
      },
      last_answers: async function* ({ userId, traces }) {
        for await (const { sessionIds } of together(traces()))
          yield* (await readAnswers(cache, userId, { sessionIds, answerKeys: [] })).last;
      },
    },
    traced: true,
    count: async ({ traces }) => {
      const counts = { answer_logs: 0, cached_answers: 0, last_answers: 0 };
      for await (const some of together(traces())) {
        counts.answer_logs += await logs.count(some.requestIds);
        const { last, cached } = await countAnswers(cacheRedis, some);
        counts.cached_answers += cached;
        counts.last_answers += last;
      }
      return counts;
    },
    erase: async ({ traces }) => {
      for await (const some of together(traces())) {
        await logs.erase(some.requestIds);
        await eraseAnswers(cacheRedis, some);
      }
    },
  };
}
