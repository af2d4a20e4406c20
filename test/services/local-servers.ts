import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import * as rabbitmq from '../../tools/services/rabbitmq.ts';
import * as redis from '../../tools/services/redis.ts';
import { DATABASES } from './databases.ts';

export const startRedis = () => redis.startRedis({ dir: newFolder('redis'), databases: DATABASES });
export const startRabbitMq = () => rabbitmq.startRabbitMq({ dir: newFolder('rabbitmq') });

/** The folder of the run goes when the run ends, and all servers' data with it. */
const newFolder = (name: string) => mkdtempSync(join(process.env.TEST_RUN_FOLDER!, `${name}-`));
