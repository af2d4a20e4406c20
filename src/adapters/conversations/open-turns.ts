import type { Redis } from 'ioredis';
import type { TurnAddress } from '../../contracts/conversation.ts';
import { OPEN_TURNS_KEY, redisKeys } from '../../contracts/redis-keys.ts';
import { orStoreUnavailable, repliesOf } from '../redis/connect-redis.ts';
import type { OverdueTurn } from './conversation-store.ts';
import { addOpenMember } from './redis-scripts/add-open-member.ts';
import { findOverdueMembers } from './redis-scripts/find-overdue-members.ts';
import { postponeMembers } from './redis-scripts/postpone-members.ts';
import { createdAtOf, readQuestion } from './stored-turn.ts';
import { addressOf, memberOf } from './turn-member.ts';

/**
 * The open turns of all users are in one sorted set. The score is the deadline, in ms. So an overdue turn is found even
 * if no user asks for it and no worker has it. The deadline is a time of Redis's clock, so that processes with
 * different clocks agree.
 */
export const addOpenTurn = (redis: Redis, turn: TurnAddress, dueInMs: number): Promise<void> =>
  addOpenMember(redis, memberOf(turn), dueInMs);

export async function closeTurns(redis: Redis, turns: readonly TurnAddress[]): Promise<void> {
  if (turns.length > 0) await redis.zrem(OPEN_TURNS_KEY, ...turns.map(memberOf));
}

/** Sets the deadline of those turns that are open to `dueInMs` from now. One round trip. */
export async function postponeTurns(redis: Redis, turns: readonly TurnAddress[], dueInMs: number): Promise<void> {
  if (turns.length > 0) await postponeMembers(redis, turns.map(memberOf), dueInMs);
}

/**
 * Returns at most `count` turns that have been overdue for at least `forMs`. Two round trips; one if there are none.
 */
export async function readOverdueTurns(redis: Redis, forMs: number, count: number): Promise<OverdueTurn[]> {
  const members = await findOverdueMembers(redis, forMs, count);
  if (members.length === 0) return [];
  const turns = members.map(addressOf);
  const commands = redis.pipeline();
  for (const { sessionId, requestId } of turns) {
    commands.hmget(redisKeys.turns(sessionId), `${requestId}:s`, `${requestId}:q`);
  }
  const fields = (await repliesOf(commands)) as [string | null, string | null][];
  return turns.map((turn, index) => ({ ...turn, ...stateOf(...fields[index]!) }));
}

/** When the question was asked that must be answered first, in ms. undefined: none is open. Two round trips. */
export async function readFirstOpenTurn(redis: Redis): Promise<number | undefined> {
  const [member] = await orStoreUnavailable(redis.zrange(OPEN_TURNS_KEY, '0', '0'));
  if (member === undefined) return undefined;
  const { sessionId, requestId } = addressOf(member);
  const question = await orStoreUnavailable(redis.hget(redisKeys.turns(sessionId), `${requestId}:q`));
  return question === null ? undefined : Date.parse(createdAtOf(question));
}

function stateOf(state: string | null, question: string | null): Pick<OverdueTurn, 'state' | 'createdAt' | 'traceId'> {
  if (!question) return { state: 'gone', createdAt: '', traceId: '' };
  const open = state === 'accepting' || state === 'queued';
  const { createdAt, traceId = '' } = readQuestion(question);
  return { state: open ? state : 'ended', createdAt, traceId };
}
