import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as rabbitmq from '../../tools/services/rabbitmq.ts';
import * as redis from '../../tools/services/redis.ts';
import type { Service } from '../../tools/services/service.ts';
import { DATABASES } from './databases.ts';

export const startRedis = () => inFolder('redis', (dir) => redis.startRedis({ dir, databases: DATABASES }));
export const startRabbitMq = () => inFolder('rabbitmq', (dir) => rabbitmq.startRabbitMq({ dir }));

/** The server's data goes with it. */
async function inFolder<S extends Service>(name: string, start: (dir: string) => Promise<S>): Promise<S> {
  const dir = mkdtempSync(join(tmpdir(), `healify-${name}-`));
  const service = await start(dir);
  return {
    ...service,
    stop: async () => {
      await service.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
