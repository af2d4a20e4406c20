import type { Session } from '../../contracts/http/chat-bodies.ts';
import type { SessionPage } from './conversation-store.ts';
import type { StoredSession } from './redis-scripts/read-session.ts';
import { visibleTurn } from './stored-turn.ts';
import { UnreadableCursor } from './unreadable-cursor.ts';

/** The number before which a page ends; undefined: it has the newest turns. @throws UnreadableCursor */
export function readPageCursor(cursor: string | undefined): number | undefined {
  if (cursor === undefined) return undefined;
  if (!/^\d{1,9}$/.test(cursor)) throw new UnreadableCursor();
  return Number(cursor);
}

/** A session as its user sees it; undefined while none of its turns is visible. */
export function pageOf(sessionId: string, { text, next, newest, turns }: StoredSession): SessionPage | undefined {
  const latest = newest && visibleTurn(newest);
  if (!latest) return undefined;
  const { createdAt, updatedAt } = JSON.parse(text) as Pick<Session, 'createdAt' | 'updatedAt'>;
  const session: Session = {
    sessionId,
    status: latest.status,
    response: latest.response,
    createdAt,
    updatedAt,
    turns: turns
      .map(visibleTurn)
      .filter((turn) => turn !== undefined)
      .reverse(),
    nextCursor: next === undefined ? null : String(next),
  };
  return { session, latest };
}
