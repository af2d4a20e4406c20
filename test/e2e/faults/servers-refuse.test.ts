import { randomUUID } from 'node:crypto';
import { afterAll, expect, test } from '@jest/globals';
import { connect } from 'amqplib';
import { Redis } from 'ioredis';
import { supportsWaitAof } from '../../../src/adapters/redis/durability.ts';
import { deadLetterQueueOf, REQUESTS_QUEUE } from '../../../src/contracts/queues.ts';
import { startAnsweringWorker } from '../../answering-worker.ts';
import { privateRabbitMq, privateRedis } from '../../services.ts';
import { startTcpProxy, type TcpProxy } from '../../tcp-proxy.ts';
import { until } from '../../until.ts';
import { metric } from './fault-case.ts';

const cleanups: (() => unknown)[] = [];
afterAll(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
});

const requests = (count: number) =>
  Array.from({ length: count }, () => ({
    requestId: randomUUID(),
    sessionId: 's',
    userId: 'u',
    message: `What? ${randomUUID()}`,
  }));

interface Refusal {
  refuse(redis: Redis, proxy: TcpProxy): unknown;
  relent(redis: Redis, proxy: TcpProxy): unknown;
  /** Its error messages are those of Redis 6.2. */
  wrapped?: boolean;
}

/** Errors within scripts, as they came before Redis 7. */
const asRedis6 = (text: string) =>
  text.replaceAll(
    /^-((?:ERR )?)(.*) script: (\w{40}), on (@user_script:\d+)\.\r$/gm,
    (_, err: string, error: string, sha: string, line: string) =>
      `-ERR Error running script (call to f_${sha}): ${line}: ${err ? '' : '-'}${error}\r`,
  );

const refusals: Record<string, Refusal> = {
  'takes no writes (as when its disk is full, or its replicas are lost)': {
    refuse: (redis) => redis.config('SET', 'min-replicas-to-write', '1'),
    relent: (redis) => redis.config('SET', 'min-replicas-to-write', '0'),
  },
  'takes a right away': {
    refuse: (redis) => redis.call('ACL', 'SETUSER', 'app', '-@scripting'),
    relent: (redis) => redis.call('ACL', 'SETUSER', 'app', '+@scripting'),
  },
  'takes a right away that scripts need': {
    refuse: (redis) => redis.call('ACL', 'SETUSER', 'app', '-@hash'),
    relent: (redis) => redis.call('ACL', 'SETUSER', 'app', '+@hash'),
  },
  'becomes a replica': {
    refuse: (redis) => redis.replicaof('127.0.0.1', '1'),
    relent: (redis) => redis.replicaof('NO', 'ONE'),
  },
  'becomes a replica, and writes its errors as Redis 6.2 does': {
    refuse: (redis) => redis.replicaof('127.0.0.1', '1'),
    relent: (redis) => redis.replicaof('NO', 'ONE'),
    wrapped: true,
  },
  'is full, and writes its errors as Redis 6.2 does': {
    refuse: (redis) => redis.config('SET', 'maxmemory', '1'),
    relent: (redis) => redis.config('SET', 'maxmemory', '0'),
    wrapped: true,
  },
  'says that a quota is used up': {
    refuse: (_, proxy) => proxy.refuse('ERR max requests limit exceeded. Limit: 500000, Usage: 500000.'),
    relent: (_, proxy) => proxy.accept(),
  },
  'says what nobody has a name for': {
    refuse: (_, proxy) => proxy.refuse('EOOPS something else'),
    relent: (_, proxy) => proxy.accept(),
  },
};

test.each(Object.entries(refusals))(
  'a Redis that %s for a while costs neither a question nor an answer that was paid for',
  async (_, { refuse, relent, wrapped }) => {
    const server = await privateRedis();
    const redis = new Redis(server.url);
    await redis.call('ACL', 'SETUSER', 'app', 'on', '>secret', '~*', '&*', '+@all');
    const proxy = await startTcpProxy(server.url);
    cleanups.push(
      () => server.stop(),
      () => redis.disconnect(),
      () => proxy.stop(),
    );
    if (wrapped) proxy.rewrite(asRedis6);
    const url = new URL(proxy.url);
    url.username = 'app';
    url.password = 'secret';
    const { simulator, client, worker } = await startAnsweringWorker({ REDIS_URL: url.href, CACHE_ENABLED: 'false' });
    await simulator.behave({ latencyMs: 1_000 });
    const [inHand, ...later] = requests(11);
    await client.ask(inHand!);
    await until('it is in hand', async () => (await simulator.stats()).started === 1);

    await refuse(redis, proxy);
    await client.ask(...later);
    await until('the model has answered', async () => (await simulator.stats()).finished === 1, 60_000);
    // Longer than an unforeseen error is retried.
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    expect(client.responses).toEqual([]);
    await relent(redis, proxy);

    await until('all are answered', () => client.responses.length >= 11, 90_000).catch(async (error: Error) => {
      const letters = await client.depth(deadLetterQueueOf(REQUESTS_QUEUE));
      const state = `${client.responses.length} answers, ${letters} dead letters. The worker said last:`;
      throw new Error(`${error.message}: ${state}\n${worker.output().slice(-6_000)}`);
    });
    expect(await client.depth(deadLetterQueueOf(REQUESTS_QUEUE))).toBe(0);
    expect((await simulator.stats()).started).toBe(11);
    expect(await metric(worker, 'healify_uncertain_spend_total')).toBe(0);
  },
  180_000,
);

test('while the disk is slow, acknowledgements wait for it, and answers do not', async () => {
  const server = await privateRedis();
  const redis = new Redis(server.url);
  cleanups.push(
    () => server.stop(),
    () => redis.disconnect(),
  );
  // Older servers cannot tell what is on their disk.
  if (!(await supportsWaitAof(redis))) return;
  await redis.config('SET', 'appendfsync', 'always');
  const { client, simulator } = await startAnsweringWorker({ REDIS_URL: server.url, ACK_AFTER_FSYNC: 'true' });
  await simulator.behave({ latencyMs: 500 });
  const [first, second] = requests(2);
  await client.ask(first!);
  expect((await client.responseTo(first!.requestId)).status).toBe('completed');
  // It never says that anything is on its disk: WAITAOF waits for 10 s.
  await redis.config('SET', 'appendfsync', 'no');
  await client.ask(second!);
  expect((await client.responseTo(second!.requestId, 5_000)).status).toBe('completed');
});

test('RabbitMQ may take back what waits for Redis for too long: each is answered once, and garbage is one dead letter', async () => {
  const rabbitMq = await privateRabbitMq();
  const redis = await privateRedis();
  cleanups.push(
    () => rabbitMq.stop(),
    () => redis.stop(),
  );
  // This takes seconds here, not half an hour.
  await rabbitMq.ctl('eval', 'application:set_env(rabbit, consumer_timeout, 2000).');
  await rabbitMq.ctl('eval', 'application:set_env(rabbit, channel_tick_interval, 1000).');
  const { client, simulator, worker } = await startAnsweringWorker({
    REDIS_URL: redis.url,
    RABBITMQ_URL: rabbitMq.url,
  });
  await redis.kill();
  await client.ask(...requests(5));
  await client.send(REQUESTS_QUEUE, Buffer.from('garbage'));
  await until('it is taken back', () => /delivery acknowledgement .* timed out/.test(worker.output()));
  await redis.start();
  await until('all are answered', () => client.responses.length >= 5, 60_000);
  await until('it is kept', async () => (await client.depth(deadLetterQueueOf(REQUESTS_QUEUE))) === 1);
  expect(await client.depth(REQUESTS_QUEUE)).toBe(0);
  expect((await simulator.stats()).started).toBe(5);
  expect(client.responses).toHaveLength(5);
}, 180_000);

test('a queue that is deleted is declared again, and its consumer is back', async () => {
  const { rabbitMqUrl, client } = await startAnsweringWorker();
  await client.channel.deleteQueue(REQUESTS_QUEUE);
  const connection = await connect(rabbitMqUrl);
  cleanups.push(() => connection.close());
  await until('the queue is there', async () => {
    const channel = await connection.createChannel();
    channel.on('error', () => {});
    return await channel.checkQueue(REQUESTS_QUEUE).then(
      ({ consumerCount }) => consumerCount === 1,
      () => false,
    );
  });
  const [asked] = requests(1);
  await client.ask(asked!);
  expect((await client.responseTo(asked!.requestId)).status).toBe('completed');
});
