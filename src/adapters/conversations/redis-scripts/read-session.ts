import { redisKeys } from '../../../contracts/redis-keys.ts';
import { defineScript } from '../../redis/define-script.ts';
import type { Redis } from '../../redis/redis.ts';
import type { StoredTurn } from '../stored-turn.ts';

const script = defineScript(import.meta.dirname, 'read-session');

export interface StoredSession {
  /** JSON */
  text: string;
  /** The stored question that the title is made from if the session has none; or empty. */
  titleFrom: string;
  /** The number before which the next page ends. undefined: there is no next page. */
  next: number | undefined;
  /** undefined: the session has no visible turn. */
  newest: StoredTurn | undefined;
  /** The visible turns of the page, newest first. */
  turns: StoredTurn[];
}

/**
 * Reads the newest turns of a user's session, or those before a number. Reads at least one turn, and more turns as long
 * as they fit. One round trip.
 * @returns undefined: the user has no such session; `no_such_page`: no page of it ends before that number
 */
export async function readSession(
  redis: Redis,
  { sessionId, userId }: { sessionId: string; userId: string },
  page: { before: number | undefined; limit: number; maxBytes: number },
): Promise<StoredSession | 'no_such_page' | undefined> {
  const keys = [redisKeys.session(sessionId), redisKeys.turns(sessionId)];
  const found = (await script(redis, keys, [userId, page.before ?? '', page.limit, page.maxBytes])) as
    | [string, number, string[], string[][], string]
    | number
    | null;
  if (found === null) return undefined;
  if (typeof found === 'number') return 'no_such_page';
  const [text, cursor, newest, turns, titleFrom] = found;
  return {
    text,
    titleFrom,
    next: cursor < 0 ? undefined : cursor,
    newest: newest.length > 0 ? storedTurn(newest) : undefined,
    turns: turns.map(storedTurn),
  };
}

const storedTurn = ([requestId, question, state, answer, feedback]: string[]): StoredTurn => ({
  requestId: requestId!,
  ...{ question, state, answer, feedback },
});
