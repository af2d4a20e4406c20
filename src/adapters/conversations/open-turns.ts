import type { Redis } from 'ioredis';
import type { TurnAddress } from '../../contracts/conversation.ts';
import { OPEN_TURNS_KEY, redisKeys } from '../../contracts/redis-keys.ts';
import { repliesOf } from '../redis/connect-redis.ts';
import { defineScript, SERVER_TIME } from '../redis/define-script.ts';
import type { OverdueTurn } from './conversation-store.ts';
import { createdAtOf } from './stored-turn.ts';

/** KEYS: open turns. ARGV: ms from now on, `XX` or nothing, members. */
const dueScript = defineScript(`${SERVER_TIME}
for i = 3, #ARGV do
  if ARGV[2] == 'XX' then redis.call('ZADD', KEYS[1], 'XX', now + ARGV[1], ARGV[i])
  else redis.call('ZADD', KEYS[1], now + ARGV[1], ARGV[i]) end
end
`);

/** KEYS: open turns. ARGV: for how long they are overdue, ms, how many at most. */
const overdueScript = defineScript(`${SERVER_TIME}
return redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[1], 'LIMIT', 0, ARGV[2])
`);

/**
 * The turns of all users that are not terminal: a sorted set by the time, in ms, after which one of them is overdue. So
 * one that nobody asks for, and that no worker has, is found all the same. The time is that of Redis's clock, so that
 * processes whose clocks differ agree on who is late.
 */
export const addOpenTurn = (redis: Redis, turn: TurnAddress, dueInMs: number) =>
  dueScript(redis, [OPEN_TURNS_KEY], [dueInMs, '', memberOf(turn)]);

export async function closeTurns(redis: Redis, turns: readonly TurnAddress[]): Promise<void> {
  if (turns.length > 0) await redis.zrem(OPEN_TURNS_KEY, ...turns.map(memberOf));
}

/** Has those that are still open be due so many ms from now, at most 1,000 of them. */
export async function postponeTurns(redis: Redis, turns: readonly TurnAddress[], dueInMs: number): Promise<void> {
  if (turns.length > 0) await dueScript(redis, [OPEN_TURNS_KEY], [dueInMs, 'XX', ...turns.map(memberOf)]);
}

/** At most `count` turns that have been overdue for so many ms; two round trips, one where there are none. */
export async function readOverdueTurns(redis: Redis, forMs: number, count: number): Promise<OverdueTurn[]> {
  const members = (await overdueScript(redis, [OPEN_TURNS_KEY], [forMs, count])) as string[];
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
