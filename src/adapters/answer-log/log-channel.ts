import { ANSWER_LOG_CHANNEL } from '../../contracts/redis-keys.ts';
import { channelOf } from '../redis/channels.ts';
import type { Redis } from '../redis/redis.ts';

/** The full name of the channel on which the readers of a request's log hear of new events. */
export const logChannelOf = (redis: Redis, requestId: string): string =>
  channelOf(redis, `${ANSWER_LOG_CHANNEL}:${requestId}`);
