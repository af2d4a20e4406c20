import { z } from 'zod';
import { chatResponse } from '../../contracts/chat-response.ts';
import { feedback } from '../../contracts/feedback.ts';
import { id, timestamp } from '../../contracts/scalars.ts';

/** A turn that has ended, with everything that a store keeps of it. */
const archivedTurn = z.object({
  requestId: id,
  /** The turns of a session are numbered in the order in which they were begun. */
  number: z.int().nonnegative(),
  message: z.string(),
  createdAt: timestamp,
  /** The message of `chat_responses` that has ended it. */
  response: chatResponse,
  feedback: feedback.extend({ provider: z.string().nullable(), model: z.string().nullable() }).nullable(),
});

/** A session with all turns that have ended. */
export const archivedSession = z.object({
  sessionId: id,
  userId: id,
  title: z.string().nullable(),
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
