import type { Session } from '../../contracts/conversation.ts';
import { titleOf } from '../../contracts/title.ts';
import { readQuestion } from './stored-turn.ts';

/**
 * Reads a session.
 * @param text JSON
 * @param question the stored question that the title is made from if the session has none. Empty: there is none
 */
export function readStoredSession(sessionId: string, text: string, question: string): Session {
  const { title, createdAt, updatedAt } = JSON.parse(text) as Omit<Session, 'title'> & { title?: string };
  const made = question === '' ? null : titleOf(readQuestion(question).message);
  return { sessionId, title: (title ?? made) || null, createdAt, updatedAt };
}
