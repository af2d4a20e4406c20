import type { ChatRequest } from '../../contracts/chat-request.ts';

/**
 * The order in which waiting jobs are taken: start-time fair queueing.
 *
 * Each job has a tag, and the job with the lowest tag is taken first. A user's new job gets the tag after the tag of
 * the user's last job, but never a lower tag than the job that is taken next. So if n users wait, each user gets every
 * n-th turn, however many jobs the user has. A user with only one question waits for at most one question of each other
 * user. For example, a1 to a4 are added first, then b1 and c1:
 *
 *     tag      1  2  3  4         taken: a1 b1 c1 a2 a3 a4
 *     user a   a1 a2 a3 a4
 *     user b   b1
 *     user c   c1
 *
 * All batch requests have higher tags than all interactive ones. A job that comes back, for example after a delay, has
 * waited already. So it goes to the front of its user's turn.
 *
 * BullMQ calls the tag the job's priority, and allows at most 2^21. The scripts assign it: see redis-scripts/line.lua.
 */
export const CLASSES = {
  interactive: { from: 1, to: 999_999 },
  batch: { from: 1_000_000, to: 2_000_000 },
};

/** Returns the lowest and the highest tag of a class. */
export const tagsOf = (priority: ChatRequest['priority']) => CLASSES[priority];
