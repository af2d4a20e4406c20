import type { Turn } from '../../../contracts/conversation.ts';
import { limits } from '../../../contracts/limits.ts';
import type { Seals } from '../../../contracts/sealing.ts';
import type { Redis } from '../../redis/redis.ts';
import type { HistoryPage } from '../conversation-store.ts';
import { readHistory } from '../history-index.ts';
import { readTurns } from '../stored-turn.ts';
import { type Conversations, type TurnDocument, turnIdOf, turnOf } from './documents.ts';
import { afterCursor, cursorOf, mergeNewestFirst, type Placed, readNewestFirst } from './newest-first.ts';

/** Most open turns of a user that their history shows. More than that wait only if nobody answers for a long time. */
const MOST_OPEN = 1_000;

/**
 * Returns a page of a user's visible turns, newest first. Redis has the open ones, MongoDB the others. One round trip to
 * Redis, and one to MongoDB for each 25 turns; one more to Redis if turns are open.
 * @param options.retentionMs turns that were asked before that are not shown
 */
export async function readHistoryPage(
  options: { redis: Redis; seals: Seals; conversations: Conversations; retentionMs: number },
  userId: string,
  { limit, cursor }: { limit: number; cursor: string | undefined },
): Promise<HistoryPage> {
  const { redis, seals, conversations, retentionMs } = options;
  const live = afterCursor(await readOpenTurns({ redis, seals }, userId), cursor).slice(0, limit + 1);
  const place = { userId, kind: 'turn', cursor, askedAfter: Date.now() - retentionMs } as const;
  const lasting = readNewestFirst<TurnDocument>(conversations, place);
  const turns: Turn[] = [];
  let last: Placed<Turn> | undefined;
  let chars = 0;
  for await (const { value: turn, ...place } of mergeNewestFirst(live, lasting, (document) =>
    turnOf(seals, document),
  )) {
    if (!turn) continue;
    chars += turn.message.length + (turn.answer?.response?.length ?? 0);
    if (last && (turns.length === limit || chars > limits.pageBytes)) return { turns, nextCursor: cursorOf(last) };
    turns.push(turn);
    last = { value: turn, ...place };
  }
  return { turns, nextCursor: null };
}

async function readOpenTurns(
  { redis, seals }: { redis: Redis; seals: Seals },
  userId: string,
): Promise<Placed<Turn>[]> {
  const entries = await readHistory(redis, userId, { cursor: undefined, count: MOST_OPEN });
  if (entries.length === 0) return [];
  const turns = await readTurns({ redis, seals }, userId, entries);
  return entries.flatMap((entry, index) => {
    const turn = turns[index];
    return turn ? [{ value: turn, at: entry.createdAt, id: turnIdOf(entry) }] : [];
  });
}
