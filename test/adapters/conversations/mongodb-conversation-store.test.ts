import { randomUUID } from 'node:crypto';
import { afterAll, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { conversationIndexes, conversationsOf } from '../../../src/adapters/conversations/mongodb/documents.ts';
import { createMongoDbConversationStore } from '../../../src/adapters/conversations/mongodb-conversation-store.ts';
import { createMongoDbFeedbackStore } from '../../../src/adapters/conversations/mongodb-feedback-store.ts';
import { createRedisConversationStore } from '../../../src/adapters/conversations/redis-conversation-store.ts';
import { plainTexts, type TextSeals } from '../../../src/contracts/sealing.ts';
import { testMongoDb, unreachableMongoDb } from '../../mongodb-connection.ts';
import { testRedisUrl } from '../../services.ts';
import { testSeals } from '../../test-seals.ts';
import { until } from '../../until.ts';
import { isFerretDb, withMongoDb } from '../../with-mongodb.ts';
import { describeConversationStore } from './conversation-store-contract.ts';
import { describeFeedbackStore } from './feedback-store-contract.ts';
import { responseTo } from './response-to.ts';
import { describeSessionList } from './session-list-contract.ts';

const DAY_MS = 24 * 3_600_000;
const opened: Redis[] = [];
const connect = async () => {
  const redis = new Redis(await testRedisUrl());
  opened.push(redis);
  return redis;
};
afterAll(() => Promise.all(opened.map((redis) => redis.quit())));

withMongoDb('with MongoDB', () => {
  const makeStores = async (sealsIn: (redis: Redis) => TextSeals = () => plainTexts) => {
    const redis = await connect();
    const db = await testMongoDb(conversationIndexes);
    const shared = { db, redis, seals: sealsIn(redis), retentionMs: 365 * DAY_MS };
    return {
      conversations: createMongoDbConversationStore({ ...shared, idleMs: 3_600_000, replica: 'test' }),
      feedback: createMongoDbFeedbackStore(shared),
    };
  };
  const makeStore = async () => (await makeStores()).conversations;
  // If an update of a bulk write fails, FerretDB does not say what those before it have inserted.
  describeConversationStore('MongoDB', makeStore, { missesRaces: isFerretDb() });
  describeSessionList('MongoDB', makeStore);
  describeFeedbackStore('MongoDB', () => makeStores());
  const makeSealedStore = async () => (await makeStores(testSeals)).conversations;
  describeConversationStore('MongoDB with encryption', makeSealedStore, { missesRaces: isFerretDb() });
  describeSessionList('MongoDB with encryption', makeSealedStore);
  describeFeedbackStore('MongoDB with encryption', () => makeStores(testSeals));

  describe('sessions in use are in Redis, idle ones in MongoDB alone', () => {
    const turn = (fields = {}) => ({
      sessionId: randomUUID(),
      userId: randomUUID(),
      requestId: randomUUID(),
      message: 'How?',
      createdAt: new Date().toISOString(),
      dueInMs: 900_000,
      ...fields,
    });
    type Turn = ReturnType<typeof turn>;
    const setUp = async ({ idleMs = 3_600_000, retentionMs = 365 * DAY_MS } = {}) => {
      const [db, redis] = [await testMongoDb(conversationIndexes), await connect()];
      const store = createMongoDbConversationStore({
        seals: plainTexts,
        db,
        redis,
        retentionMs,
        idleMs,
        replica: 'test',
      });
      const feedback = createMongoDbFeedbackStore({ seals: plainTexts, db, redis, retentionMs });
      const ask = async (fields = {}, newSession = true) => {
        const one = turn(fields);
        expect(await store.begin(one, { newSession })).toBe('begun');
        await store.confirm(one.sessionId, one.requestId, { hurry: true });
        return one;
      };
      /** As if its idle time were over. */
      const leave = ({ sessionId }: Turn) =>
        redis.del(`chat:session:${sessionId}`, `{chat:session:${sessionId}}:turns`);
      return { db, redis, store, feedback, ask, leave, documents: conversationsOf(db) };
    };

    test('an idle session leaves nothing of itself in Redis, and is read, continued, renamed and rated as before', async () => {
      const { redis, store, feedback, ask } = await setUp({ idleMs: 1 });
      const first = await ask({ message: 'What is healthy?' });
      await store.settle([responseTo(first, { answerKey: 'one' })]);
      const { sessionId, userId, requestId } = first;
      await until('it has left Redis', async () => (await redis.keys('*')).length === 0);
      expect(await store.turn({ sessionId, requestId, userId })).toMatchObject({ answer: { response: 'So.' } });
      expect(await store.sessionOf(requestId, userId)).toBe(sessionId);
      expect(await store.unsettled(sessionId, userId)).toEqual([]);
      expect(await store.unsettled(sessionId, randomUUID())).toBeUndefined();
      const rated = { rating: 'up', reason: null, comment: null, ratedAt: first.createdAt } as const;
      await feedback.rate(first, { ...rated, model: null, provider: null });
      expect(await store.rename(sessionId, userId, 'Chosen')).toMatchObject({ title: 'Chosen' });
      expect((await store.sessions(userId, { limit: 5 })).sessions).toMatchObject([{ sessionId, title: 'Chosen' }]);

      const second = await ask({ sessionId, userId }, false);
      const page = (await store.session(sessionId, userId, { limit: 5 }))!;
      expect(page.turns.map(({ requestId: id }) => id)).toEqual([requestId, second.requestId]);
      expect(page).toMatchObject({ session: { title: 'Chosen' }, turns: [{ feedback: rated }, { answer: null }] });
      const history = await store.history(userId, { limit: 5 });
      expect(history.turns.map(({ requestId: id }) => id)).toEqual([second.requestId, requestId]);
    });

    test('a session with an open question stays, however long that takes', async () => {
      const { redis, store, ask } = await setUp({ idleMs: 1 });
      const first = await ask();
      const { sessionId, userId } = first;
      const second = await ask({ sessionId, userId }, false);
      await store.settle([responseTo(first)]);
      expect(await redis.pttl(`chat:session:${sessionId}`)).toBeGreaterThan(DAY_MS);
      await store.settle([responseTo(second)]);
      await until('it has left Redis', async () => (await redis.keys('*')).length === 0);
    });

    test('an id that only MongoDB has is in use, whoever asks, and the same question may come again', async () => {
      const { store, ask, leave } = await setUp();
      const first = await ask();
      await store.settle([responseTo(first)]);
      for (const userId of [first.userId, randomUUID()]) {
        await leave(first);
        expect(await store.begin(turn({ sessionId: first.sessionId, userId }), { newSession: true })).toBe('taken');
      }
      await leave(first);
      expect(await store.begin(first, { newSession: true })).toBe('begun');
      expect(await store.session(first.sessionId, randomUUID(), { limit: 1 })).toBeUndefined();
    });

    test('the answer to a failed question replaces the failure, although its session is idle', async () => {
      const { store, ask, leave } = await setUp();
      const one = await ask();
      const error = { code: 'model_unavailable', message: 'Down.', retryable: true } as const;
      await store.settle([responseTo(one, { status: 'failed', response: null, error })]);
      await leave(one);
      expect(await store.settle([responseTo(one), responseTo(one, { response: 'Other.' })])).toEqual([
        'settled',
        'duplicate',
      ]);
      await leave(one);
      expect(await store.turn(one)).toMatchObject({ answer: { response: 'So.' } });
      expect((await store.history(one.userId, { limit: 5 })).turns).toHaveLength(1);
    });

    test('an answer that MongoDB has and Redis has not, because a process died in between, is settled when it comes again', async () => {
      const { redis, store, ask } = await setUp();
      const one = await ask();
      const turns = `{chat:session:${one.sessionId}}:turns`;
      const before = await redis.hgetall(turns);
      await store.settle([responseTo(one)]);
      for (const [response, outcome] of [
        [responseTo(one, { status: 'cancelled', response: null }), 'duplicate'],
        [responseTo(one), 'settled'],
      ] as const) {
        await redis.del(turns);
        await redis.hset(turns, before);
        expect(await store.settle([response])).toEqual([outcome]);
        const [seen] = (await store.session(one.sessionId, one.userId, { limit: 1 }))!.turns;
        expect(seen!.answer).toMatchObject({ status: 'completed', response: 'So.' });
      }
    });

    test('an erasure reaches MongoDB, whether the session is idle or not, and no late answer brings it back', async () => {
      const { store, feedback, ask, leave, documents } = await setUp();
      for (const idle of [true, false]) {
        const one = await ask();
        await store.settle([responseTo(one, { answerKey: 'key' })]);
        const rated = { rating: 'up', reason: null, comment: 'Mine', ratedAt: one.createdAt } as const;
        await feedback.rate(one, { ...rated, model: null, provider: null });
        if (idle) await leave(one);
        const remains = await store.erase(one.sessionId, one.userId);
        expect(remains).toMatchObject({ requestIds: [one.requestId], answerKeys: ['key'] });
        expect(await documents.countDocuments({})).toBe(0);
        expect(await store.settle([responseTo(one)])).toEqual(['erased']);
        expect(await documents.countDocuments({})).toBe(0);
        expect(await store.begin(turn(one), { newSession: false })).toBe('not_found');
      }
    });

    test('an erasure while MongoDB is away is only noted, and is completed when MongoDB is back', async () => {
      const { redis, store, ask, documents } = await setUp();
      const away = createMongoDbConversationStore({
        seals: plainTexts,
        ...{ db: unreachableMongoDb(), redis, retentionMs: DAY_MS, idleMs: DAY_MS, replica: 'away' },
      });
      const one = await ask();
      const { sessionId, userId, requestId } = one;
      await store.settle([responseTo(one, { answerKey: 'key' })]);
      await expect(away.erase(sessionId, userId)).rejects.toMatchObject({ code: 'store_unavailable' });
      expect((await store.session(sessionId, userId, { limit: 5 }))!.turns).toHaveLength(1);
      expect((await store.history(userId, { limit: 5 })).turns).toHaveLength(1);

      expect(await store.unfinishedErasures(Date.now(), 5)).toEqual([{ sessionId, userId }]);
      const remains = (await store.erase(sessionId, userId))!;
      expect(remains).toMatchObject({ requestIds: [requestId], answerKeys: ['key'] });
      await store.markErased(sessionId, userId, remains);
      expect(await store.session(sessionId, userId, { limit: 5 })).toBeUndefined();
      expect(await documents.countDocuments({})).toBe(0);
      expect(await store.unfinishedErasures(Date.now(), 5)).toEqual([]);
    });

    test('an erasure of what is not there, or is another user’s, is not noted', async () => {
      const { store, ask } = await setUp();
      const one = await ask();
      await store.settle([responseTo(one)]);
      expect(await store.erase(randomUUID(), one.userId)).toBeUndefined();
      expect(await store.erase(one.sessionId, randomUUID())).toBeUndefined();
      expect(await store.unfinishedErasures(Date.now(), 5)).toEqual([]);
    });

    test('an erasure that falls between the steps of an answer leaves nothing', async () => {
      const { db, redis, store, ask, documents } = await setUp();
      const one = await ask();
      const other = createMongoDbConversationStore({
        seals: plainTexts,
        ...{ db, redis, retentionMs: DAY_MS, idleMs: DAY_MS, replica: 'other' },
      });
      // The answer has been written to MongoDB, and the tombstone is there before the answer reaches Redis.
      const text = (await redis.get(`chat:session:${one.sessionId}`))!;
      const turns = await redis.hgetall(`{chat:session:${one.sessionId}}:turns`);
      await other.erase(one.sessionId, one.userId);
      await redis.set(`chat:session:${one.sessionId}`, text);
      await redis.hset(`{chat:session:${one.sessionId}}:turns`, turns);
      expect(await store.settle([responseTo(one)])).toEqual(['erased']);
      expect(await documents.countDocuments({})).toBe(0);
    });

    // FerretDB and MongoDB alike: nothing waits for a TTL index here. FerretDB has none.
    test('what is older than the retention is not shown, even if MongoDB has not removed it', async () => {
      const { store, ask, leave } = await setUp({ retentionMs: 300 });
      const one = await ask();
      await store.settle([responseTo(one)]);
      await leave(one);
      await until('its time is over', async () => !(await store.turn(one)));
      expect(await store.session(one.sessionId, one.userId, { limit: 1 })).toBeUndefined();
      expect((await store.sessions(one.userId, { limit: 1 })).sessions).toEqual([]);
      expect((await store.history(one.userId, { limit: 1 })).turns).toEqual([]);
      expect(await store.begin(turn(one), { newSession: false })).toBe('not_found');
    });
  });
});

test('without MongoDB what needs it says that the store is out of reach, and nothing is half written', async () => {
  const redis = await connect();
  const store = createMongoDbConversationStore({
    seals: plainTexts,
    ...{ db: unreachableMongoDb(), redis, retentionMs: DAY_MS, idleMs: DAY_MS, replica: 'test' },
  });
  const one = { sessionId: 's', userId: 'u', requestId: 'r' };
  const question = { ...one, message: 'How?', createdAt: new Date().toISOString(), dueInMs: 900_000 };
  const live = createRedisConversationStore({ seals: plainTexts, redis, retentionMs: DAY_MS, replica: 'test' });
  await live.begin(question, { newSession: true });
  for (const use of [
    () => store.begin({ ...question, sessionId: 'other' }, { newSession: true }),
    () => store.settle([responseTo(one)]),
    () => store.history('u', { limit: 5 }),
    () => store.sessions('u', { limit: 5 }),
    () => store.turn({ sessionId: 'other', requestId: 'r', userId: 'u' }),
    () => store.sessionOf('other', 'u'),
    () => store.session('other', 'u', { limit: 5 }),
    () => store.erase('other', 'u'),
  ]) {
    await expect(use()).rejects.toMatchObject({ code: 'store_unavailable' });
  }
  // The question is still open, so the answer can be written down later.
  expect(await live.unsettled('s', 'u')).toHaveLength(1);
});
