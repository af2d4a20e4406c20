import type { ChatRequest } from '../../contracts/chat-request.ts';

/**
 * Start-time fair queueing. Each user's requests get ascending tags, starting at the tag of the request that is served
 * next, and the lowest tag is served first. So a user's burst takes every n-th turn where n users wait, and a single
 * question goes behind at most one question of each other user. Batch requests have tags above all interactive ones.
 * A job that comes back after a while has waited already: it goes to the front of its user's turn.
 *
 * The tag is BullMQ's priority, which ends at 2^21. The scripts assign it: see redis-scripts/line.ts.
 */
export const CLASSES = {
  interactive: { from: 1, to: 999_999 },
  batch: { from: 1_000_000, to: 2_000_000 },
};

/** The lowest and the highest tag of a class. */
export const tagsOf = (priority: ChatRequest['priority']) => CLASSES[priority];
