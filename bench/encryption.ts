import { randomBytes, randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { createRedisLogWriter } from '../src/adapters/answer-log/redis-log-writer.ts';
import { createAnswerCache } from '../src/adapters/answers/answer-cache.ts';
import { createCacheKeys } from '../src/adapters/encryption/cache-keys.ts';
import { createDataKeys } from '../src/adapters/encryption/data-keys.ts';
import { createConfiguredMasterKeys } from '../src/adapters/encryption/master-keys.ts';
import { createRedisDataKeyStore } from '../src/adapters/encryption/redis-data-key-store.ts';
import { createTextSeals } from '../src/adapters/encryption/text-seals.ts';
import { connectToOneServer } from '../src/adapters/redis/connect-redis.ts';
import { plainCacheKeys } from '../src/contracts/cache-keys.ts';
import { plainTexts } from '../src/contracts/sealing.ts';
import { startServers } from './servers.ts';

// What encryption costs the answer cache and the answer log, on against off, on a real Redis: `npm run bench:encryption`. Each
// round measures both, one after the other, so that both see the same machine.

const BATCH = 100;
const ROUNDS = 60;
const WARM_UP = 10;
const DELTA = 'two litres of water a day '.repeat(2);
const PARAMETERS = {
  provider: 'p',
  body: { model: 'm', messages: [{ role: 'user', content: 'Is it healthy? '.repeat(20) }] },
};
const ANSWER = {
  response: 'Eat greens. '.repeat(100),
  model: 'm',
  provider: 'p',
  usage: null,
  finishReason: 'stop' as const,
};

const servers = await startServers();
try {
  await servers.reset();
  const redis = connectToOneServer({ url: servers.redisUrl, name: 'bench', logger: pino({ level: 'silent' }) });
  const store = createRedisDataKeyStore({ redis });
  const dataKeys = createDataKeys({
    store,
    masterKeys: createConfiguredMasterKeys([{ id: 'k1', key: randomBytes(32) }]),
  });
  const users = Array.from({ length: BATCH }, () => randomUUID());
  const sides = [
    { keys: plainCacheKeys, seals: plainTexts },
    { keys: createCacheKeys(dataKeys), seals: createTextSeals(dataKeys) },
  ].map(({ keys, seals }) => {
    const options = { redis, keys, keepLast: false, ttlMs: 3_600_000, maxEntryBytes: 65_536 };
    const cache = createAnswerCache(options);
    const writer = createRedisLogWriter({ redis, seals, ttlMs: 3_600_000 });
    const questionsOf = (round: number) =>
      Promise.all(users.map((user) => cache.questionOf({ ...PARAMETERS, round }, user)));
    const steps: Record<string, (round: number) => Promise<unknown>> = {
      'hash a question': questionsOf,
      'hash, look up, keep and find an answer': async (round) => {
        for (const question of await questionsOf(round)) {
          const requestId = randomUUID();
          await cache.lookUp(question!, requestId);
          await cache.keep({ sessionId: '', userId: 'ann' }, ANSWER, { question: question!, requestId });
          await cache.lookUp(question!, randomUUID());
        }
      },
      'write a delta into a log': async () => {
        const deadlineAt = Date.now() + 60_000;
        await Promise.all(
          users.map(async (userId) => {
            const log = writer.open({ requestId: randomUUID(), userId, epoch: 1, attempt: 1, deadlineAt });
            log.begun({ provider: 'p', model: 'm' });
            log.text(DELTA);
            await log.close();
          }),
        );
      },
    };
    return steps;
  });
  const rows = [];
  for (const name of Object.keys(sides[0]!)) {
    const times: [number[], number[]] = [[], []];
    for (let round = 0; round < ROUNDS + WARM_UP; round += 1) {
      for (const [side, steps] of sides.entries()) {
        const startedAt = performance.now();
        await steps[name]!(round);
        if (round >= WARM_UP) times[side]!.push(((performance.now() - startedAt) / BATCH) * 1000);
      }
    }
    const [off, on] = times.map((of) => of.toSorted((a, b) => a - b)[ROUNDS / 2]!) as [number, number];
    rows.push({
      'for one, median': name,
      'off, µs': off.toFixed(1),
      'on, µs': on.toFixed(1),
      more: (on - off).toFixed(1),
    });
  }
  console.table(rows);
  redis.disconnect();
} finally {
  await servers.stop();
}
