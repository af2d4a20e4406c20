import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ChannelModel, connect } from 'amqplib';
import { Redis } from 'ioredis';
import { queueArguments } from '../src/contracts/queues.ts';
import { startGuarded } from '../tools/services/guarded-process.ts';
import { startRabbitMq } from '../tools/services/rabbitmq.ts';
import { startRedis } from '../tools/services/redis.ts';
import { makeRunFolder, removeFolder } from '../tools/services/run-folder.ts';

/** A private RabbitMQ, Redis and model simulator, which all contenders share. */
export interface Servers {
  readonly rabbitMqUrl: string;
  readonly rabbitMqManagementUrl: string;
  readonly redisUrl: string;
  /** The address, `/v1` included. */
  readonly modelUrl: string;
  readonly redis: Redis;
  readonly broker: ChannelModel;
  /** Removes everything of an earlier run from the queues, from Redis and from the counts. */
  reset(): Promise<void>;
  /** Sets how the simulator answers from now on. */
  setModel(behavior: object): Promise<void>;
  modelCalls(): Promise<number>;
  stop(): Promise<void>;
}

const ROOT = join(import.meta.dirname, '..');

export async function startServers(): Promise<Servers> {
  const dir = makeRunFolder('bench');
  let modelUrl = '';
  const [redisServer, rabbitMq, simulator] = await Promise.all([
    startRedis({ dir: join(dir, 'redis') }),
    startRabbitMq({ dir: join(dir, 'rabbitmq') }),
    startGuarded(process.execPath, [join(ROOT, 'tools/simulator/main.ts')], {
      onLine: (line) => {
        modelUrl ||= /listening on (\S+)\/v1/.exec(line)?.[1] ?? '';
      },
    }),
  ]);
  while (modelUrl === '') await sleep(20);
  const redis = new Redis(redisServer.url);
  const broker = await connect(rabbitMq.url);

  return {
    rabbitMqUrl: rabbitMq.url,
    rabbitMqManagementUrl: rabbitMq.managementUrl,
    redisUrl: redisServer.url,
    modelUrl: `${modelUrl}/v1`,
    redis,
    broker,
    reset: async () => {
      const channel = await broker.createChannel();
      for (const [queue, args] of Object.entries(queueArguments)) {
        await channel.deleteQueue(queue);
        await channel.assertQueue(queue, { durable: true, arguments: args });
      }
      await channel.close();
      await redis.flushall();
      // Otherwise Redis may do it during a measurement.
      await redis.bgrewriteaof();
      while (/aof_rewrite_in_progress:1/.test(await redis.info('persistence'))) await sleep(50);
      await fetch(`${modelUrl}/control/stats`, { method: 'DELETE' });
    },
    setModel: async (behavior) => {
      await fetch(`${modelUrl}/control/behavior`, { method: 'PUT', body: JSON.stringify(behavior) });
    },
    modelCalls: async () => ((await (await fetch(`${modelUrl}/control/stats`)).json()) as { started: number }).started,
    stop: async () => {
      redis.disconnect();
      await broker.close().catch(() => {});
      await Promise.all([simulator.kill(), redisServer.stop(), rabbitMq.stop()]);
      removeFolder(dir);
    },
  };
}
