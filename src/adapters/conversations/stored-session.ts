import type { Session } from '../../contracts/conversation.ts';
import { isSealed, type Seals } from '../../contracts/sealing.ts';
import { titleOf } from '../../contracts/title.ts';
import { type KeptTitle, openTitle } from './sealed-texts.ts';
import { readQuestion } from './stored-turn.ts';

/** A session as Redis keeps it. */
export interface StoredHead extends KeptTitle {
  userId: string;
  /** ISO 8601. */
  createdAt: string;
  updatedAt: string;
}

/**
 * Reads a session.
 * @param text JSON
 * @param question the stored question that the title is made from if the session has none. Empty: there is none
 * @throws MasterKeyMissingError
 */
export function readStoredSession(seals: Seals, sessionId: string, text: string, question: string): Session {
  const head = JSON.parse(text) as StoredHead;
  const { userId, createdAt, updatedAt } = head;
  const title = openTitle(seals, { sessionId, userId }, head) ?? titleMadeOf(question);
  return { sessionId, title: title || null, createdAt, updatedAt };
}

/** Only earlier versions began sessions without a title, and they sealed nothing. */
export function titleMadeOf(question: string): string | undefined {
  if (question === '') return undefined;
  const kept = readQuestion(question);
  return isSealed(kept) ? undefined : titleOf(kept.message);
}
