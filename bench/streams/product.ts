import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SignJWT } from 'jose';
import { freePort } from '../../tools/services/free-port.ts';
import { type GuardedProcess, startGuarded } from '../../tools/services/guarded-process.ts';
import { MESSAGE_SIGNING_KEY, PROFILING } from '../contenders.ts';
import type { Servers } from '../servers.ts';

const ROOT = join(import.meta.dirname, '../..');
const JWT_SECRET = 'benchmark-benchmark-benchmark-benchmark';
/** The compiled product, as the image runs it. With the sources, the compiler would be in memory as well. */
const MAIN = join(ROOT, 'dist/src/main');
/** Of Node, as the image runs the api. */
const API_OPTIONS = (
  JSON.parse(/^CMD (.+)$/m.exec(readFileSync(join(ROOT, 'Dockerfile'), 'utf8'))![1]!) as string[]
).filter((word) => word.startsWith('--'));

/** An api or a worker as it is shipped. */
export interface Part {
  port: number;
  process: GuardedProcess;
}

/** @param more settings in addition to those that all have */
export async function startPart(
  name: 'api' | 'worker',
  { rabbitMqUrl, redisUrl, modelUrl }: Servers,
  more: Record<string, string> = {},
): Promise<Part> {
  const port = await freePort();
  const prefix = name.toUpperCase();
  const program = [...(name === 'api' ? API_OPTIONS : []), join(MAIN, `${name}.js`)];
  const process_ = await startGuarded(process.execPath, [...PROFILING, ...program], {
    env: {
      ...{ PATH: process.env.PATH, NODE_ENV: 'test', HOST: '127.0.0.1', LOG_LEVEL: 'warn' },
      ...{ MESSAGE_SIGNING_KEY, JWT_SECRET },
      ...{ RABBITMQ_URL: rabbitMqUrl, REDIS_URL: redisUrl, MODEL_SIMULATOR_URL: modelUrl },
      ...{ RATE_SEND_PER_MINUTE: '1000000', RATE_READ_PER_MINUTE: '1000000' },
      [`${prefix}_PORT`]: String(port),
      [`${prefix}_METRICS_PORT`]: '0',
      ...more,
    },
  });
  while (!(await fetch(`http://127.0.0.1:${port}/health/ready`).catch(() => undefined))?.ok) {
    if (!process_.running) throw new Error(process_.output());
    await sleep(100);
  }
  return { port, process: process_ };
}

/** Makes a token for each of so many users. A user may have only some streams. */
export async function tokensOfUsers(users: number): Promise<string[]> {
  const key = new TextEncoder().encode(JWT_SECRET);
  return await Promise.all(
    Array.from({ length: users }, (_, index) =>
      new SignJWT()
        .setProtectedHeader({ alg: 'HS256' })
        .setSubject(`bench-${index}`)
        .setIssuer('healify-chat')
        .setAudience('healify-chat')
        .setIssuedAt()
        .setExpirationTime('1h')
        .sign(key),
    ),
  );
}
