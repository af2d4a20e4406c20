import { afterAll } from '@jest/globals';
import { Redis } from 'ioredis';
import { conversationIndexes } from '../../../src/adapters/conversations/mongodb/documents.ts';
import { createMongoDbConversationStore } from '../../../src/adapters/conversations/mongodb-conversation-store.ts';
import { createMongoDbFeedbackStore } from '../../../src/adapters/conversations/mongodb-feedback-store.ts';
import { createMongoDbHistoryArchive } from '../../../src/adapters/conversations/mongodb-history-archive.ts';
import { createRedisConversationStore } from '../../../src/adapters/conversations/redis-conversation-store.ts';
import { createRedisFeedbackStore } from '../../../src/adapters/conversations/redis-feedback-store.ts';
import { createRedisHistoryArchive } from '../../../src/adapters/conversations/redis-history-archive.ts';
import { plainTexts } from '../../../src/contracts/sealing.ts';
import { testMongoDb } from '../../mongodb-connection.ts';
import { testRedisUrl } from '../../services.ts';
import { withMongoDb } from '../../with-mongodb.ts';
import { describeHistoryArchive } from './history-archive-contract.ts';

const retentionMs = 365 * 24 * 3_600_000;
const opened: Redis[] = [];
const connect = async () => {
  const redis = new Redis(await testRedisUrl());
  opened.push(redis);
  return redis;
};
afterAll(() => Promise.all(opened.map((redis) => redis.quit())));

describeHistoryArchive('Redis', async () => {
  const redis = await connect();
  return {
    archive: createRedisHistoryArchive({ redis, retentionMs }),
    conversations: createRedisConversationStore({ redis, seals: plainTexts, retentionMs, replica: 'test' }),
    feedback: createRedisFeedbackStore({ redis, seals: plainTexts, retentionMs }),
  };
});

withMongoDb('with MongoDB', () => {
  describeHistoryArchive('MongoDB', async () => {
    const shared = {
      db: await testMongoDb(conversationIndexes),
      redis: await connect(),
      seals: plainTexts,
      retentionMs,
    };
    return {
      archive: createMongoDbHistoryArchive(shared),
      conversations: createMongoDbConversationStore({ ...shared, idleMs: 3_600_000, replica: 'test' }),
      feedback: createMongoDbFeedbackStore(shared),
    };
  });
});
