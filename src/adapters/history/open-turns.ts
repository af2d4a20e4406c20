import type { Redis } from 'ioredis';
import { OPEN_TURNS_KEY, redisKeys } from '../../contracts/redis-keys.ts';
import { repliesOf } from '../redis/connect-redis.ts';
import { createdAtOf } from './stored-turn.ts';

/** Whose a turn is and where it is kept. */
export interface TurnAddress {
  sessionId: string;
  requestId: string;
  userId: string;
}

/** A turn whose deadline has passed though it was not seen to reach a terminal state. */
export interface OverdueTurn extends TurnAddress {
  /** `ended` and `gone`: there is nothing to do but to close it. */
  state: 'accepting' | 'queued' | 'ended' | 'gone';
  /** When it was asked, ISO 8601; empty for one that is gone. */
  createdAt: string;
}

/**
 * The turns of all users that are not terminal: a sorted set by the time, in ms, after which one of them is overdue. So
 * one that nobody asks for, and that no worker has, is found all the same.
 */
export const addOpenTurn = (redis: Redis, turn: TurnAddress, dueAt: number) =>
  redis.zadd(OPEN_TURNS_KEY, dueAt, memberOf(turn));

export async function closeTurns(redis: Redis, turns: readonly TurnAddress[]): Promise<void> {
  if (turns.length > 0) await redis.zrem(OPEN_TURNS_KEY, ...turns.map(memberOf));
}

/** Has those that are still open be looked at again later. */
export async function postponeTurns(redis: Redis, turns: readonly TurnAddress[], dueAt: number): Promise<void> {
  if (turns.length === 0) return;
  await redis.zadd(OPEN_TURNS_KEY, 'XX', ...turns.flatMap((turn) => [dueAt, memberOf(turn)]));
}

/** At most `count` turns that were due before a time, in ms; two round trips, one where there are none. */
export async function readOverdueTurns(redis: Redis, before: number, count: number): Promise<OverdueTurn[]> {
  const members = await redis.zrangebyscore(OPEN_TURNS_KEY, '-inf', before, 'LIMIT', 0, count);
  if (members.length === 0) return [];
  const turns = members.map(addressOf);
  const commands = redis.pipeline();
  for (const { sessionId, requestId } of turns) {
    commands.hmget(redisKeys.turns(sessionId), `${requestId}:s`, `${requestId}:q`);
  }
  const fields = (await repliesOf(commands)) as [string | null, string | null][];
  return turns.map((turn, index) => ({ ...turn, ...stateOf(...fields[index]!) }));
}

function stateOf(state: string | null, question: string | null): Pick<OverdueTurn, 'state' | 'createdAt'> {
  if (!question) return { state: 'gone', createdAt: '' };
  const open = state === 'accepting' || state === 'queued';
  return { state: open ? state : 'ended', createdAt: createdAtOf(question) };
}

/** An id may have any character. */
const memberOf = ({ sessionId, requestId, userId }: TurnAddress) => JSON.stringify([sessionId, requestId, userId]);

function addressOf(member: string): TurnAddress {
  const [sessionId, requestId, userId] = JSON.parse(member) as [string, string, string];
  return { sessionId, requestId, userId };
}
