import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { type Db, MongoNetworkError } from 'mongodb';
import { createRedisLogKeeper } from '../../../src/adapters/answer-log/redis-log-keeper.ts';
import { addJobs } from '../../../src/adapters/jobs/job-queue.ts';
import { openJobShards } from '../../../src/adapters/jobs/job-shards.ts';
import { plainCacheKeys } from '../../../src/contracts/cache-keys.ts';
import type { Erasure } from '../../../src/contracts/erasures.ts';
import { QUEUES_SEEN_KEY, redisKeys } from '../../../src/contracts/redis-keys.ts';
import { plainBodies, plainTexts } from '../../../src/contracts/sealing.ts';
import { createLastingStores } from '../../../src/main/api/stores.ts';
import { createErasers } from '../../../src/main/erasure/erasers.ts';
import { captureLog } from '../../captured-log.ts';
import { recordingTrail } from '../../recording-trail.ts';
import { testRabbitMqUrl, testRedisUrl } from '../../services.ts';
import { until } from '../../until.ts';

const HOUR = 3_600_000;
/** What each conversation of this test has. */
const HAD = {
  ...{ conversations: 1, turns: 2, feedback: 1, open_turns: 1, jobs: 1, answer_logs: 1, cached_answers: 1 },
  last_answers: 1,
};

let redisUrl: string;
let rabbitmqUrl: string;
let redis: Redis;
const opened: { disconnect(): void }[] = [];
beforeAll(async () => {
  [redisUrl, rabbitmqUrl] = await Promise.all([testRedisUrl(), testRabbitMqUrl()]);
  redis = new Redis(redisUrl);
  opened.push(redis);
});
afterAll(() => {
  for (const each of opened) each.disconnect();
});

/** How many commands a process may still send before it dies. */
class Life {
  commandsLeft = Number.POSITIVE_INFINITY;

  isOver(): boolean {
    return this.commandsLeft-- <= 0;
  }
}

/** A connection of a process that dies after some commands: none of them, and nothing after it, happens. */
class DyingRedis extends Redis {
  life = new Life();
  /** How often somebody began to look at dead letters. */
  looks = 0;

  override sendCommand(...args: Parameters<Redis['sendCommand']>): unknown {
    const [{ name, args: given }] = args;
    if (name === 'set' && given[0] === `${QUEUES_SEEN_KEY}:lease`) this.looks += 1;
    if (this.life.isOver()) {
      const [command] = args;
      command.reject(new Error('killed'));
      return command.promise;
    }
    return super.sendCommand(...args);
  }
}

/** The same for MongoDB. What a query has begun to read is still read. */
function dyingDb(db: Db, life: Life): Db {
  const dying = <T extends object>(of: T, use: (name: string | symbol, method: Method) => Method): T =>
    new Proxy(of, {
      get: (target, name) => {
        const found: unknown = Reflect.get(target, name);
        return typeof found === 'function' ? use(name, found.bind(target)) : found;
      },
    });
  const command =
    (method: Method) =>
    (...args: unknown[]) => {
      if (life.isOver()) throw new MongoNetworkError('killed');
      return method(...args);
    };
  return dying(db, (name, method) => {
    if (name !== 'collection') return method;
    return (...args) => dying(method(...args) as object, (_, each) => command(each));
  });
}

type Method = (...args: unknown[]) => unknown;

/** What erases, as a process has it. @param db undefined: what lasts is in Redis */
export async function startProcess(db?: Db) {
  const own = new DyingRedis(redisUrl, { enableReadyCheck: false });
  opened.push(own);
  await own.ping();
  const { life } = own;
  const ownDb = db && dyingDb(db, life);
  const config = {
    ...{ historyRetentionMs: 90 * 24 * HOUR, sessionIdleMs: HOUR, refreshTokenTtlMs: HOUR, erasureReceiptsMs: HOUR },
    ...{ rabbitmqUrl, publishers: [], redeliveryWindowMs: 24 * HOUR },
  };
  const stores = createLastingStores({
    ...{ config, redis: own, safeWrites: undefined, seals: plainTexts, db: ownDb, replica: randomUUID() },
  });
  const shards = openJobShards(own, 1);
  const { sessionEraser, dataEraser } = createErasers({
    ...{ config, stores, shards, redis: own, cacheRedis: own, db: ownDb },
    logs: createRedisLogKeeper({ redis: own, seals: plainTexts, ttlMs: HOUR }),
    endLogin: async () => {},
    trail: recordingTrail().trail,
    encryption: {
      ...{ seals: plainTexts, bodies: plainBodies, cacheKeys: plainCacheKeys },
      ...{ hasKey: async () => false, destroyKey: async () => {} },
    },
    logger: captureLog().logger,
  });
  return { life, redis: own, stores, shards, sessionEraser, dataEraser };
}

/** A conversation with something of every kind that is found by its ids. */
export async function converse(
  { stores, shards, redis: own }: Awaited<ReturnType<typeof startProcess>>,
  userId: string,
) {
  const sessionId = randomUUID();
  const turns = [randomUUID(), randomUUID()].map((requestId) => ({ sessionId, requestId, userId }));
  const [answered, open] = turns as [(typeof turns)[0], (typeof turns)[0]];
  for (const [index, turn] of turns.entries()) {
    const created = { message: 'Is water healthy?', createdAt: new Date().toISOString(), dueInMs: HOUR };
    await stores.conversations.begin({ ...turn, ...created }, { newSession: index === 0 });
    await stores.conversations.confirm(sessionId, turn.requestId, { hurry: true });
  }
  const answerKey = randomUUID().replaceAll('-', '');
  await stores.conversations.settle([
    {
      ...{ version: 1, ...answered, status: 'completed', response: 'Yes.', error: null, model: 'm', provider: 'p' },
      ...{ cached: false, usage: null, finishReason: 'stop', attempts: 1, completedAt: new Date().toISOString() },
      ...{ timings: { queueMs: 0, modelMs: 0, totalMs: 0 }, answerKey },
    },
  ] as unknown as Parameters<typeof stores.conversations.settle>[0]);
  await stores.feedback.rate(answered, {
    ...{ rating: 'up', comment: 'good', reason: null, ratedAt: new Date().toISOString(), provider: null, model: null },
  });
  const request = {
    version: 1 as const,
    ...open,
    message: 'Is it?',
    context: [],
    cache: true,
    priority: 'batch' as const,
  };
  const job = { request, traceparent: '', receivedAt: new Date().toISOString() };
  await addJobs(shards.of(userId), own, [job], { attempts: 1 });
  await createRedisLogKeeper({ redis: own, seals: plainTexts, ttlMs: HOUR }).queued(open.requestId, Date.now() + HOUR);
  await own.set(redisKeys.answer(answerKey), '{"response":"Yes."}');
  await own.set(redisKeys.response(sessionId), '{"response":"Yes."}');
  return sessionId;
}

/** The lease of a process that died would expire. */
async function expireLeases(): Promise<void> {
  for (const lease of await redis.keys('*:lease')) if (lease.includes('erasure')) await redis.del(lease);
}

const foundIn = ({ kinds }: Erasure) =>
  Object.fromEntries(kinds.filter(({ kind }) => kind in HAD).map(({ kind, found }) => [kind, found]));

/** Erases conversations in processes that die, each some commands later, until one survives. Returns those that were begun. */
async function eraseDying(userId: string, { db, every }: { db: Db | undefined; every: number }): Promise<Erasure[]> {
  const begun: Erasure[] = [];
  for (let commands = 0; ; commands += every) {
    const dying = await startProcess(db);
    const sessionId = await converse(dying, userId);
    dying.life.commandsLeft = commands;
    const survived = await dying.sessionEraser.erase(sessionId, userId).then(
      () => true,
      () => false,
    );
    dying.life.commandsLeft = 0;
    const alive = createLastingStores({
      config: { historyRetentionMs: HOUR, sessionIdleMs: HOUR, refreshTokenTtlMs: HOUR, erasureReceiptsMs: HOUR },
      ...{ redis, safeWrites: undefined, seals: plainTexts, db, replica: randomUUID() },
    });
    const erasure = await alive.erasures.underWay(userId, sessionId);
    if (erasure) begun.push(erasure);
    // It has done nothing that nobody would go on with.
    else expect((await alive.conversations.session(sessionId, userId, { limit: 10 }))?.turns).toHaveLength(2);
    if (survived) return begun;
  }
}

/**
 * What is promised of receipts if processes die, for one place of what lasts.
 * @param options.openDb left out: it is in Redis
 * @param options.every after how many more commands the next process dies
 */
export function describeKilledErasures(
  name: string,
  { openDb, every }: { openDb?: () => Promise<Db>; every: number },
): void {
  describe(`erasures with ${name}`, () => {
    let db: Db | undefined;
    beforeAll(async () => {
      db = await openDb?.();
    });

    test('the receipt of a conversation says what was erased, wherever the process dies that has begun', async () => {
      const userId = randomUUID();
      const begun = await eraseDying(userId, { db, every });
      expect(begun.length).toBeGreaterThan(10 / every);
      await expireLeases();
      const next = await startProcess(db);
      const receipts = await until(
        'another process has completed all of them',
        async () => {
          await next.dataEraser.finish();
          const all = await Promise.all(begun.map(({ erasureId }) => next.dataEraser.find(erasureId)));
          return all.every((each) => each?.state === 'erased') && (all as Erasure[]);
        },
        120_000,
      );
      for (const receipt of receipts) {
        expect(foundIn(receipt)).toEqual(HAD);
        expect(receipt.kinds.filter(({ left }) => left > 0)).toEqual([]);
        const of = { userId, sessionId: receipt.sessionId! };
        expect(
          Object.entries(await next.dataEraser.survey(of, receipt.erasureId)).filter(([, count]) => count > 0),
        ).toEqual([]);
      }
    }, 300_000);

    test('the same holds if a later step is the last of a process', async () => {
      const userId = randomUUID();
      const ends = Array.from({ length: 10 }, (_, index) => 10 + index * 24).filter((_, index) => index % every === 0);
      const receipts = await Promise.all(
        ends.map(async (commands) => {
          const dying = await startProcess(db);
          const sessionId = await converse(dying, userId);
          const { erasureId } = await dying.sessionEraser.erase(sessionId, userId);
          dying.life.commandsLeft = commands;
          await dying.dataEraser.run(erasureId).catch(() => {});
          dying.life.commandsLeft = 0;
          return erasureId;
        }),
      );
      await expireLeases();
      const next = await startProcess(db);
      await until(
        'all are completed',
        async () => {
          await next.dataEraser.finish();
          const all = await Promise.all(receipts.map((erasureId) => next.dataEraser.find(erasureId)));
          return all.every((each) => each?.state === 'erased');
        },
        120_000,
      );
      for (const erasureId of receipts) expect(foundIn((await next.dataEraser.find(erasureId))!)).toEqual(HAD);
    }, 300_000);

    test('of those who erase the same at the same moment, one has a receipt with everything', async () => {
      const [userId, here, there] = [randomUUID(), await startProcess(db), await startProcess(db)];
      const sessionId = await converse(here, userId);
      const erased = await Promise.all(
        [here, there, here].map(({ sessionEraser }) => sessionEraser.erase(sessionId, userId).catch(() => undefined)),
      );
      const ids = new Set(erased.flatMap((erasure) => erasure?.erasureId ?? []));
      await until('all are done', async () => {
        const all = await Promise.all([...ids].map((erasureId) => here.dataEraser.find(erasureId)));
        return all.every((each) => each?.state === 'erased');
      });
      const receipts = await Promise.all(
        [...ids].map(async (erasureId) => foundIn((await here.dataEraser.find(erasureId))!)),
      );
      expect(receipts).toContainEqual(HAD);
    });
  });
}
