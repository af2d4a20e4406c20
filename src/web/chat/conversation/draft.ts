import { randomKey } from '../../../client/random-key.ts';
import { keep, readKept } from '../kept.ts';

/** A question that is being written. It is kept until the api has accepted it. */
export interface Draft {
  text: string;
  /** The idempotency key: a question that was perhaps accepted before the page was closed is asked once. */
  key: string;
}

const nameOf = (userId: string, sessionId: string | undefined) => `draft:${userId}:${sessionId ?? 'new'}`;

export const readDraft = (userId: string, sessionId: string | undefined): Draft =>
  readKept<Draft>(nameOf(userId, sessionId)) ?? { text: '', key: randomKey() };

export const keepDraft = (userId: string, sessionId: string | undefined, draft: Draft) =>
  keep(nameOf(userId, sessionId), draft.text === '' ? undefined : draft);
