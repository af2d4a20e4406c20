import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import * as rabbitmq from '../../tools/services/rabbitmq.ts';
import * as redis from '../../tools/services/redis.ts';
import type { Service } from '../../tools/services/service.ts';
import { DATABASES } from './databases.ts';

export const startRedis = async () =>
  endedAtOnce(await redis.startRedis({ dir: newFolder('redis'), databases: DATABASES }));
export const startRabbitMq = async () => endedAtOnce(await rabbitmq.startRabbitMq({ dir: newFolder('rabbitmq') }));

/** The folder of the run goes when the run ends, and all servers' data with it. */
const newFolder = (name: string) => mkdtempSync(join(process.env.TEST_RUN_FOLDER!, `${name}-`));

/** Nobody reads the data again, so there is no reason to wait for an orderly end, which takes RabbitMQ six seconds. */
const endedAtOnce = <S extends Service>(server: S): S => ({ ...server, stop: () => server.kill() });
