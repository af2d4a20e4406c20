import { chooseWay } from './choose-way.ts';
import { serversBy } from './servers.ts';

/** One Redis and one RabbitMQ for the whole run; the workers find them in the environment. */
export default async function setUp(): Promise<void> {
  const way = chooseWay();
  const startedAt = Date.now();
  const servers = await serversBy(way);
  const [redis, rabbitMq] = await Promise.all([servers.startRedis(), servers.startRabbitMq()]);
  process.stdout.write(`\nRedis and RabbitMQ (${way}) ready in ${Date.now() - startedAt} ms\n`);
  process.env.TEST_WAY = way;
  process.env.TEST_REDIS_URL = redis.url;
  process.env.TEST_RABBITMQ_URL = rabbitMq.url;
  process.env.TEST_RABBITMQ_MANAGEMENT_URL = rabbitMq.managementUrl;
  Object.assign(globalThis, { stopTestServices: () => Promise.all([redis.stop(), rabbitMq.stop()]) });
}
