import type { Turn } from '../../contracts/conversation.ts';
import { limits } from '../../contracts/limits.ts';
import type { Seals } from '../../contracts/sealing.ts';
import type { Redis } from '../redis/redis.ts';
import type { HistoryPage } from './conversation-store.ts';
import { readHistory } from './history-index.ts';
import { readTurns } from './stored-turn.ts';

/** How many pages of the index are read for one page of turns, if most of their turns are gone. */
const PAGES_TRIED = 5;
/** How many turns are read in one round trip. */
const READ_TOGETHER = 25;

/**
 * Returns a page of a user's visible turns, newest first: as many as were asked for, or as many as fit. One round trip
 * for the index, and one for each 25 turns.
 */
export async function readHistoryPage(
  { redis, seals }: { redis: Redis; seals: Seals },
  userId: string,
  { limit, cursor }: { limit: number; cursor: string | undefined },
): Promise<HistoryPage> {
  const page: Turn[] = [];
  let next = cursor;
  let chars = 0;
  for (let tried = 0; tried < PAGES_TRIED; tried++) {
    const entries = await readHistory(redis, userId, { cursor: next, count: limit });
    for (let first = 0; first < entries.length; first += READ_TOGETHER) {
      const some = entries.slice(first, first + READ_TOGETHER);
      const turns = await readTurns({ redis, seals }, userId, some);
      for (const [index, entry] of some.entries()) {
        const turn = turns[index];
        if (turn) {
          chars += turn.message.length + (turn.answer?.response?.length ?? 0);
          if (page.length > 0 && chars > limits.pageBytes) return { turns: page, nextCursor: next ?? null };
          page.push(turn);
        }
        next = entry.cursor;
        if (page.length === limit) return { turns: page, nextCursor: next };
      }
    }
    if (entries.length < limit) return { turns: page, nextCursor: null };
  }
  return { turns: page, nextCursor: next ?? null };
}
