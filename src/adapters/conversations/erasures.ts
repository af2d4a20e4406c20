import { ERASURES_KEY } from '../../contracts/redis-keys.ts';
import type { Redis } from '../redis/redis.ts';

interface Erasure {
  sessionId: string;
  userId: string;
}

/** The sessions that are being erased are in a sorted set. The score is the time of the last try, in ms. */
export const addErasure = (redis: Redis, erasure: Erasure) => redis.zadd(ERASURES_KEY, Date.now(), memberOf(erasure));

export const closeErasure = (redis: Redis, erasure: Erasure) => redis.zrem(ERASURES_KEY, memberOf(erasure));

/** Returns at most `count` erasures that were last tried before a time, in ms. */
export async function readErasures(redis: Redis, before: number, count: number): Promise<Erasure[]> {
  const members = await redis.zrangebyscore(ERASURES_KEY, '-inf', before, 'LIMIT', 0, count);
  return members.map((member) => {
    const [sessionId, userId] = JSON.parse(member) as [string, string];
    return { sessionId, userId };
  });
}

const memberOf = ({ sessionId, userId }: Erasure) => JSON.stringify([sessionId, userId]);
