import type { Seals } from '../../contracts/sealing.ts';
import { type SessionPage, UnreadableCursor } from './conversation-store.ts';
import type { StoredSession } from './redis-scripts/read-session.ts';
import { readStoredSession } from './stored-session.ts';
import { visibleTurn } from './stored-turn.ts';

/**
 * Returns the number before which a page ends; undefined for the page with the newest turns.
 * @throws UnreadableCursor
 */
export function readPageCursor(cursor: string | undefined): number | undefined {
  if (cursor === undefined) return undefined;
  if (!/^\d{1,9}$/.test(cursor)) throw new UnreadableCursor();
  return Number(cursor);
}

/** Returns a session as its user sees it; undefined while none of its turns is visible. */
export function pageOf(
  seals: Seals,
  { sessionId, userId }: { sessionId: string; userId: string },
  { text, titleFrom, next, newest, turns }: StoredSession,
): SessionPage | undefined {
  const latest = newest && visibleTurn(seals, { sessionId, userId }, newest);
  if (!latest) return undefined;
  return {
    session: readStoredSession(seals, sessionId, text, titleFrom),
    turns: turns
      .map((turn) => visibleTurn(seals, { sessionId, userId }, turn))
      .filter((turn) => turn !== undefined)
      .reverse(),
    latest,
    nextCursor: next === undefined ? null : String(next),
  };
}
