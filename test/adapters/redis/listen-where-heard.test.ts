import { afterEach, expect, test } from '@jest/globals';
import { connectRedis, connectToOneServer } from '../../../src/adapters/redis/connect-redis.ts';
import { listenWhereHeard } from '../../../src/adapters/redis/listen-where-heard.ts';
import { captureLog } from '../../captured-log.ts';
import { testRedisCluster, withoutRedisServers } from '../../services/redis-cluster.ts';
import { until } from '../../until.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

(withoutRedisServers ? test.skip : test)(
  'a process that listens at a node which the others have lost soon listens at another one',
  async () => {
    const cluster = await testRedisCluster();
    cleanups.push(() => cluster.kill());
    const { logger, lines } = captureLog();
    const redis = connectRedis({ url: cluster.url, name: 'test', logger });
    const subscriber = connectToOneServer({ url: cluster.url, name: 'test (listens)', logger });
    cleanups.push(() => [redis, subscriber].map((connection) => connection.disconnect()));
    listenWhereHeard({ redis, subscriber, everyMs: 100, logger });
    let heard = 0;
    subscriber.on('message', (from) => {
      if (from === 'news') heard += 1;
    });
    subscriber.on('ready', () => void subscriber.subscribe('news'));
    const isHeard = async () => {
      const before = heard;
      await redis.publish('news', '');
      return heard > before;
    };
    await until('it is heard', isHeard);

    // The node forgets the others, answers as before, and gets no more messages.
    const node = cluster.nodes.find(({ url }) => new URL(url).port === String(subscriber.stream.remotePort))!;
    const admin = cluster.connect(node);
    cleanups.push(() => admin.disconnect());
    await admin.flushall().catch(() => {});
    await admin.call('CLUSTER', 'RESET', 'HARD');
    await until('it is heard again', isHeard, 60_000);
    expect(lines.filter(({ msg }) => msg.includes('listening at another one')).length).toBeGreaterThan(0);
  },
);
