import { pino } from 'pino';
import { createRedisLogWriter } from '../../src/adapters/answer-log/redis-log-writer.ts';
import { connectRedis } from '../../src/adapters/redis/connect-redis.ts';
import { plainTexts } from '../../src/contracts/sealing.ts';
import { producerSettings, writeTokens } from './token-source.ts';

// A process that writes answer logs as a worker does, without a model.

const settings = producerSettings();
const redis = connectRedis({ url: settings.redisUrl, name: 'bench', logger: pino({ level: 'silent' }) });
const writer = createRedisLogWriter({ redis, seals: plainTexts, ttlMs: 3_600_000 });
const logs = settings.ids.map((requestId) => {
  const log = writer.open({ requestId, userId: 'ann', epoch: 1, attempt: 1, deadlineAt: Number.POSITIVE_INFINITY });
  log.begun({ provider: 'bench', model: 'bench' });
  return log;
});
await writeTokens(
  logs.map((log) => ({ write: (token) => log.text(token) })),
  settings,
);
await Promise.all(logs.map((log) => log.stop(new Date().toISOString())));
redis.disconnect();
