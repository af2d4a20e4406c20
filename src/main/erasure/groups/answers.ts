import type { AnswerLogKeeper } from '../../../adapters/answer-log/answer-log.ts';
import { notedAnswers } from '../../../adapters/answers/answers-of-user.ts';
import { countAnswers, eraseAnswers, readAnswers } from '../../../adapters/answers/kept-answers.ts';
import type { Redis } from '../../../adapters/redis/redis.ts';
import type { DataGroup, Scope } from '../../../api/erasure/data-group.ts';
import type { CacheKeys } from '../../../contracts/cache-keys.ts';
import type { Trace } from '../../../contracts/erasures.ts';
import { type SomeTraces, together } from './traces.ts';

/**
 * They are found by the ids of requests, conversations and answers, and by what the worker notes of a user's answers: another service
 * may have asked, and its job may be gone.
 */
export function answersGroup(options: {
  logs: Pick<AnswerLogKeeper, 'count' | 'erase' | 'texts'>;
  cacheRedis: Redis;
  cacheKeys: CacheKeys;
}): DataGroup<'answer_logs' | 'cached_answers' | 'last_answers'> {
  const { logs, cacheRedis, cacheKeys } = options;
  const cache = { redis: cacheRedis, keys: cacheKeys };

  async function* tracesOf({ userId, sessionId, traces }: Scope): AsyncGenerator<Trace> {
    yield* traces();
    // A note of an answer does not say of which conversation it is.
    if (sessionId !== undefined) return;
    for await (const { sessionId: noted, hashes } of notedAnswers(cacheRedis, userId))
      yield { sessionId: noted, requestIds: [], answerKeys: [...hashes] };
  }

  return {
    export: {
      answer_logs: async function* ({ userId, traces }) {
        for await (const { requestIds } of together(traces())) yield* logs.texts(userId, requestIds);
      },
      cached_answers: async function* (scope) {
        for await (const { answerKeys } of together(tracesOf(scope))) {
          const { cached } = await readAnswers(cache, scope.userId, { sessionIds: [], answerKeys });
          yield* cached.map((answer) => ({ answer, sharedWithOthers: answer === null }));
        }
      },
      last_answers: async function* (scope) {
        for await (const { sessionIds } of together(tracesOf(scope)))
          yield* (await readAnswers(cache, scope.userId, { sessionIds, answerKeys: [] })).last;
      },
    },
    counted: 'both',
    count: async (scope) => {
      const counts = { answer_logs: 0, cached_answers: 0, last_answers: 0 };
      for await (const some of together(tracesOf(scope))) {
        counts.answer_logs += await logs.count(some.requestIds);
        const { last, cached } = await countAnswers(cacheRedis, scope.userId, some);
        counts.cached_answers += cached;
        counts.last_answers += last;
      }
      return counts;
    },
    erase: async (scope) => {
      // All are read before the first is erased: what is noted of an answer goes with it.
      const all: SomeTraces[] = [];
      for await (const some of together(tracesOf(scope))) all.push(some);
      for (const some of all) {
        await logs.erase(some.requestIds);
        await eraseAnswers(cacheRedis, scope.userId, some);
      }
    },
  };
}
