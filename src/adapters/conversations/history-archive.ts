import { z } from 'zod';
import { type ChatResponse, chatResponse } from '../../contracts/chat-response.ts';
import { feedback } from '../../contracts/feedback.ts';
import { id, timestamp } from '../../contracts/scalars.ts';
import type { Sealed } from '../../contracts/sealing.ts';
import type { KeptAnswer } from './sealed-texts.ts';

const sealed = z.string();
/** Sealed records are moved as they are, so only their outlines are looked at. */
const sealedAnswer = z.looseObject({
  ...{ sealed, requestId: id, sessionId: id, userId: id, answerKey: z.string().optional() },
  ...{ status: z.enum(['completed', 'cancelled']), completedAt: timestamp },
}) as unknown as z.ZodType<Extract<KeptAnswer, Sealed> & Pick<ChatResponse, 'answerKey'>>;
const newFeedback = feedback.extend({ provider: z.string().nullable(), model: z.string().nullable() });
const sealedFeedback = newFeedback.omit({ comment: true }).extend({ sealed });

/** What a store keeps of a turn that has ended, but for its question's text. */
const turnWithoutText = z.object({
  requestId: id,
  /** The turns of a session are numbered in the order in which they were begun. */
  number: z.int().nonnegative(),
  createdAt: timestamp,
  /** The message of `chat_responses` that has ended it. */
  response: z.union([sealedAnswer, chatResponse]),
  feedback: z.union([sealedFeedback, newFeedback]).nullable(),
});
/** A turn that has ended, with everything that a store keeps of it. */
const archivedTurn = turnWithoutText.and(z.union([z.object({ sealed }), z.object({ message: z.string() })]));

/** A session with all turns that have ended. */
export const archivedSession = z.object({
  sessionId: id,
  userId: id,
  title: z.string().nullable().optional(),
  /** The title, if it is sealed. */
  sealed: sealed.optional(),
  createdAt: timestamp,
  updatedAt: timestamp,
  /** Until when it is kept, ISO 8601. */
  keptUntil: timestamp,
  turns: z.array(archivedTurn),
});

export type ArchivedTurn = z.output<typeof archivedTurn>;
export type ArchivedSession = z.output<typeof archivedSession>;

/**
 * Copies whole sessions out of a store and into it. Open turns are left out: they are live, and belong to the Redis in
 * which their jobs are. Every method rejects with StoreUnavailableError if the store is out of reach.
 */
export interface HistoryArchive {
  /** Gives each session that has an ended turn, in no particular order. A session that changes meanwhile may come twice. */
  read(): AsyncIterable<ArchivedSession>;
  /**
   * Writes sessions. A session or turn that the store has already stays as it is, so this can be repeated. Sessions whose
   * time is over are left out.
   */
  write(sessions: readonly ArchivedSession[]): Promise<void>;
}

/** The newest of the questions, in ms. */
export const lastAskedAt = ({ turns }: ArchivedSession) =>
  Math.max(...turns.map(({ createdAt }) => Date.parse(createdAt)));
