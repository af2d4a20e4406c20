import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import { CACHE_SECONDS } from './settings.ts';

export const keyOf = (message: string) => `answer:${createHash('sha256').update(message).digest('hex')}`;

export const readCache = (redis: Redis, message: string) => redis.get(keyOf(message));

export const writeCache = (redis: Redis, message: string, answer: string) =>
  redis.set(keyOf(message), answer, 'EX', CACHE_SECONDS);
