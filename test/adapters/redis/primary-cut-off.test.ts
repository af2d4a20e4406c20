import { afterEach, expect, test } from '@jest/globals';
import { connectRedis, connectToOneServer } from '../../../src/adapters/redis/connect-redis.ts';
import { listenWhereHeard } from '../../../src/adapters/redis/listen-where-heard.ts';
import { createNetwork } from '../../../tools/services/network/network.ts';
import { captureLog } from '../../captured-log.ts';
import { testRedisWithSentinels, withoutRedisServers } from '../../services/redis-cluster.ts';
import { until } from '../../until.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const testOnLinux = withoutRedisServers || process.platform !== 'linux' ? test.skip : test;

testOnLinux(
  'while the primary is cut off from its replicas and the Sentinels, writes go to the new primary, and messages come from there',
  async () => {
    const network = createNetwork();
    cleanups.push(() => network.close());
    const servers = await testRedisWithSentinels({
      network,
      serverSettings: { 'min-replicas-to-write': 1, 'min-replicas-max-lag': 2 },
    });
    cleanups.push(() => servers.kill());
    const { logger } = captureLog();
    const options = { url: servers.url, name: 'test', logger };
    const redis = connectRedis({ ...options, commandTimeoutMs: 2_000 });
    const subscriber = connectToOneServer({ ...options, name: 'test (listens)' });
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
    await until('it is heard', () => isHeard().catch(() => false));

    const first = await servers.primary();
    await network.cutOff(`server-${servers.servers.indexOf(first) + 1}`, 'servers');
    await until('another is the primary', async () => (await servers.primary()) !== first, 60_000);
    const writesThere = async () => {
      await redis.set('written', 'after the failover');
      const admin = servers.connect(await servers.primary());
      try {
        return (await admin.get('written')) === 'after the failover';
      } finally {
        admin.disconnect();
      }
    };
    await until('the new primary has the write', () => writesThere().catch(() => false), 60_000);
    await until('it is heard there', () => isHeard().catch(() => false), 60_000);
    const port = Number(new URL((await servers.primary()).url).port);
    expect(subscriber.stream.remotePort).toBe(port);
  },
  240_000,
);
