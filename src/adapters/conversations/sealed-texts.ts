import type { ChatResponse } from '../../contracts/chat-response.ts';
import type { Feedback } from '../../contracts/feedback.ts';
import {
  isSealed,
  type MaybeSealed,
  openFields,
  type Sealed,
  type Seals,
  sealFields,
} from '../../contracts/sealing.ts';

// The records of a conversation, as both stores keep them, and how their texts are sealed. A record that is sealed in one store
// is moved to the other as it is.

/** A question, as its turn keeps it. */
export interface Question {
  message: string;
  /** ISO 8601. */
  createdAt: string;
  traceId?: string | undefined;
  stream?: boolean;
}
export type KeptQuestion = MaybeSealed<Question, 'message'>;
/** The text of a question alone. */
export type KeptMessage = Pick<Question, 'message'> | Sealed;

type PlainAnswer = Omit<ChatResponse, 'answerKey'>;
/** An answer without a text is never sealed. */
export type KeptAnswer = MaybeSealed<PlainAnswer, 'response'>;

/** Feedback without a comment is never sealed. */
export type KeptFeedback<F extends Feedback = Feedback> = MaybeSealed<F, 'comment'>;

/** The title of a session. It has neither if an earlier version began it. An empty one is never sealed. */
export interface KeptTitle {
  title?: string | null | undefined;
  sealed?: string | undefined;
}

interface TurnOf {
  requestId: string;
  userId: string;
}

const questionPlace = ({ requestId, userId }: TurnOf) => ({ userId, kind: 'question', id: requestId }) as const;
const answerPlace = ({ requestId, userId }: TurnOf) => ({ userId, kind: 'answer', id: requestId }) as const;
const commentPlace = ({ requestId, userId }: TurnOf) => ({ userId, kind: 'comment', id: requestId }) as const;

export const sealQuestion = (seals: Seals, turn: TurnOf, question: Question): KeptQuestion =>
  sealFields(seals, questionPlace(turn), question, ['message']);

/** Each of these returns undefined if the text is erased. */
export const openMessage = (seals: Seals, turn: TurnOf, kept: KeptMessage): string | undefined =>
  openFields<Pick<Question, 'message'>, 'message'>(seals, questionPlace(turn), kept)?.message;

export const keptMessageOf = (question: KeptMessage): KeptMessage =>
  isSealed(question) ? { sealed: question.sealed } : { message: question.message };

export const sealAnswer = (seals: Seals, answer: PlainAnswer): KeptAnswer =>
  answer.response === null ? answer : sealFields(seals, answerPlace(answer), answer, ['response']);

export const openAnswer = (seals: Seals, turn: TurnOf, kept: KeptAnswer): PlainAnswer | undefined =>
  openFields<PlainAnswer, 'response'>(seals, answerPlace(turn), kept);

export const sealFeedback = <F extends Feedback>(seals: Seals, turn: TurnOf, feedback: F): KeptFeedback<F> =>
  feedback.comment === null ? feedback : sealFields(seals, commentPlace(turn), feedback, ['comment']);

export const openFeedback = <F extends Feedback>(seals: Seals, turn: TurnOf, kept: KeptFeedback<F>): F | undefined =>
  openFields<F, 'comment'>(seals, commentPlace(turn), kept);

/** Feedback as others than its user may see it, without opening it. */
export function withoutComment<F extends Feedback>(kept: KeptFeedback<F>): Omit<F, 'comment'> & { commented: boolean } {
  const { sealed, comment, ...rest } = kept as F & Partial<Sealed>;
  return { ...(rest as Omit<F, 'comment'>), commented: sealed !== undefined || comment !== null };
}

interface SessionOf {
  sessionId: string;
  userId: string;
}

const titlePlace = ({ sessionId, userId }: SessionOf) => ({ userId, kind: 'title', id: sessionId }) as const;

export const sealTitle = (seals: Seals, session: SessionOf, title: string): KeptTitle =>
  title === '' ? { title } : sealFields(seals, titlePlace(session), { title }, ['title']);

/** Returns undefined if there is none, or it is erased. */
export function openTitle(seals: Seals, session: SessionOf, { title, sealed }: KeptTitle): string | undefined {
  if (sealed === undefined) return title ?? undefined;
  return openFields<{ title: string }, 'title'>(seals, titlePlace(session), { sealed })?.title;
}

/** The title of a session's record. */
export const keptTitleOf = ({ title, sealed }: KeptTitle): KeptTitle => (sealed === undefined ? { title } : { sealed });

export const isSameTitle = (a: KeptTitle, b: KeptTitle) =>
  (a.title || undefined) === (b.title || undefined) && a.sealed === b.sealed;
