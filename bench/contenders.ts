import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type GuardedProcess, startGuarded } from '../tools/services/guarded-process.ts';
import type { Servers } from './servers.ts';

/** How the model answers: in the process, or by the simulator. */
export type ModelKind = 'instant' | 'http';

export interface StartOptions {
  model: ModelKind;
  concurrency: number;
  /** Settings in addition to those of all contenders. */
  env?: Record<string, string>;
}

export interface Contender {
  name: string;
  /** The name in the tables. */
  title: string;
  /**
   * The number of messages at once that was fastest in a sweep (`--concurrency`), with an instant model and with a
   * model that takes time.
   */
  concurrency: Record<ModelKind, number>;
  /** The form of its messages. Celery reads only its own. */
  messages: 'plain' | 'celery';
  start(servers: Servers, options: StartOptions): Promise<GuardedProcess>;
}

const HERE = import.meta.dirname;
export const MESSAGE_SIGNING_KEY = 'benchmark-benchmark-benchmark-benchmark';
/** If set, Node writes a CPU profile into this folder when the process is asked to end. */
const PROFILES = process.env.BENCH_PROFILES;
export const PROFILING = PROFILES
  ? [
      '--cpu-prof',
      '--cpu-prof-dir',
      PROFILES,
      '--import',
      "data:text/javascript,process.once('SIGTERM',()=>process.exit())",
    ]
  : [];
const PYTHON = ['/usr/bin/python3', '/usr/local/bin/python3'].find((path) => existsSync(path)) ?? 'python3';

const node = (
  name: string,
  title: string,
  concurrency: Contender['concurrency'],
  folder: 'contenders' | 'limits' = 'contenders',
  more: Record<string, string> = {},
): Contender => ({
  name,
  title,
  concurrency,
  messages: 'plain',
  start: (servers, { model, concurrency, env }) =>
    startGuarded(process.execPath, [...PROFILING, join(HERE, folder, `${name}.ts`)], {
      env: { ...environment(servers, model), CONCURRENCY: String(concurrency), ...more, ...env },
    }),
});

const environment = ({ rabbitMqUrl, redisUrl, modelUrl }: Servers, model: ModelKind) => ({
  PATH: process.env.PATH,
  NODE_ENV: 'test',
  MESSAGE_SIGNING_KEY,
  LOG_LEVEL: 'warn',
  // Any free port, because nobody reads its health here.
  WORKER_PORT: '0',
  WORKER_METRICS_PORT: '0',
  HOST: '127.0.0.1',
  RABBITMQ_URL: rabbitMqUrl,
  REDIS_URL: redisUrl,
  ...(model === 'http' && { MODEL_URL: modelUrl }),
});

export const pipeline = node('pipeline', 'this pipeline', { instant: 1_000, http: 200 });
/** The worker with nothing counted, logged, noted for the search or traced. */
export const unwatched = node('pipeline-unwatched', 'nothing watched', { instant: 1_000, http: 200 });
export const plain = node('plain', 'plain consumer, no durable job', { instant: 200, http: 200 });
export const textbook = node('textbook', 'textbook BullMQ', { instant: 100, http: 100 });
export const flow = node('flow', 'BullMQ flow of three jobs', { instant: 100, http: 100 });

export const celery: Contender = {
  name: 'celery',
  title: 'Celery',
  concurrency: { instant: 6, http: 50 },
  messages: 'celery',
  start: (servers, { model, concurrency }) =>
    startGuarded(
      PYTHON,
      [
        ...['-m', 'celery', '-A', 'celery_app', 'worker', '--loglevel', 'WARNING'],
        ...['--without-gossip', '--without-mingle', '--without-heartbeat'],
        // Threads, if the model takes time.
        ...['--pool', model === 'instant' ? 'prefork' : 'threads', '--concurrency', String(concurrency)],
      ],
      {
        cwd: join(HERE, 'contenders'),
        env: {
          ...environment(servers, model),
          PYTHONDONTWRITEBYTECODE: '1',
          CELERY_PREFETCH: model === 'instant' ? '100' : '4',
          C_FORCE_ROOT: '1',
        },
      },
    ),
};

export const brokerLimit = node('broker', 'limit: broker only', { instant: 1_000, http: 200 }, 'limits');
export const jobLimit = node('durable-job', 'limit: broker and Redis only', { instant: 1_000, http: 200 }, 'limits');
export const batchLimit = node('batches', 'limit: our steps, batch by batch', { instant: 1_000, http: 200 }, 'limits');
export const clientLimit = node(
  'model-client',
  'limit: broker and openai client only',
  { instant: 200, http: 200 },
  'limits',
);

export const everyContender = [
  ...[pipeline, plain, textbook, flow, celery],
  ...[brokerLimit, jobLimit, batchLimit, clientLimit],
];

/** Returns why Celery cannot take part here; undefined if it can. */
export function celeryMissing(): string | undefined {
  const { status } = spawnSync(PYTHON, ['-c', 'import celery, redis, requests']);
  return status === 0 ? undefined : 'Celery is left out: apt-get install python3-celery python3-redis python3-requests';
}
