import type { TurnAddress } from '../../contracts/conversation.ts';
import { OPEN_TURNS_KEY, redisKeys } from '../../contracts/redis-keys.ts';
import { orStoreUnavailable } from '../redis/connect-redis.ts';
import type { Redis } from '../redis/redis.ts';
import type { OverdueTurn } from './conversation-store.ts';
import { addOpenMember } from './redis-scripts/add-open-member.ts';
import { findOverdueMembers } from './redis-scripts/find-overdue-members.ts';
import { postponeMembers } from './redis-scripts/postpone-members.ts';
import { readQuestion } from './stored-turn.ts';
import { addressOf, memberOf } from './turn-member.ts';

const READ_TOGETHER = 100;

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
  return members.length === 0 ? [] : await readStates(redis, members);
}

/**
 * When the question was asked that must be answered first, in ms. undefined: none is open. A question that the broker has not
 * confirmed does not count: its user was refused, although it may still be answered. Two round trips, and two more for each
 * `READ_TOGETHER` turns that do not count.
 */
export async function readFirstOpenTurn(redis: Redis): Promise<number | undefined> {
  for (let from = 0; ; from += READ_TOGETHER) {
    const members = await orStoreUnavailable(
      redis.zrange(OPEN_TURNS_KEY, String(from), String(from + READ_TOGETHER - 1)),
    );
    if (members.length === 0) return undefined;
    const turns = await orStoreUnavailable(readStates(redis, members));
    const first = turns.find(({ state }) => state === 'queued');
    if (first) return Date.parse(first.createdAt);
  }
}

async function readStates(redis: Redis, members: readonly string[]): Promise<OverdueTurn[]> {
  const turns = members.map(addressOf);
  const commands = turns.map(({ sessionId, requestId }) =>
    redis.hmget(redisKeys.turns(sessionId), `${requestId}:s`, `${requestId}:q`),
  );
  const fields = (await orStoreUnavailable(Promise.all(commands))) as [string | null, string | null][];
  return turns.map((turn, index) => ({ ...turn, ...stateOf(...fields[index]!) }));
}

function stateOf(state: string | null, question: string | null): Omit<OverdueTurn, keyof TurnAddress> {
  if (!question) return { state: 'gone', createdAt: '', traceId: '', stream: false };
  const open = state === 'accepting' || state === 'queued';
  const { createdAt, traceId = '', stream = false } = readQuestion(question);
  return { state: open ? state : 'ended', createdAt, traceId, stream };
}
