import { setTimeout as sleep } from 'node:timers/promises';
import type { ConversationStore } from '../../adapters/conversations/conversation-store.ts';
import { ApiError } from '../../contracts/errors.ts';

export interface SessionEraser {
  /**
   * Erases a user's session wherever something of it is kept. What fails half way can be repeated, and is gone on with by
   * `finish`.
   * @throws ApiError not_found
   */
  erase(sessionId: string, userId: string): Promise<void>;
  /** Erases what workers had in hand when their session was erased, and have kept since: a moment later. */
  eraseLate(answer: { sessionId: string; userId: string }): Promise<void>;
  /** Goes on with erasures that were begun a while ago and have not come to their end. */
  finish(): Promise<void>;
}

/** A worker completes its job this long after it has published the answer, at most, as a rule. */
const COMPLETION_MS = 1_000;
/** An erasure that was begun so long ago is not under way any more. */
const UNFINISHED_MS = 60_000;
const FINISHED_TOGETHER = 10;

export function createSessionEraser(options: {
  conversations: Pick<ConversationStore, 'erase' | 'markErased' | 'unfinishedErasures'>;
  /** Has the work on these requests stop, wherever it is, also where they come later. */
  cancelRequests: (requestIds: string[]) => Promise<void>;
  /** Removes what the job queue keeps of these requests; gives those that stay, because a worker has them in hand. */
  forgetJobs: (requestIds: string[]) => Promise<string[]>;
  /** Removes the session's last answer, and these answers, from the cache. */
  forgetAnswers: (sessionId: string, answerKeys: string[]) => Promise<void>;
}): SessionEraser {
  const { conversations, cancelRequests, forgetJobs, forgetAnswers } = options;

  /**
   * The session goes first, so that nobody sees it any more, and nothing is added to it. Its tombstone keeps the ids until
   * everything else is gone, too.
   */
  async function erase(sessionId: string, userId: string): Promise<'erased' | 'in_hand' | 'not_found'> {
    const remains = await conversations.erase(sessionId, userId);
    if (!remains) return 'not_found';
    await cancelRequests(remains.requestIds);
    await forgetAnswers(sessionId, remains.answerKeys);
    const inHand = await forgetJobs(remains.requestIds);
    if (inHand.length === 0) await conversations.markErased(sessionId, userId, remains);
    return inHand.length === 0 ? 'erased' : 'in_hand';
  }

  async function eraseLater(sessionId: string, userId: string): Promise<void> {
    await sleep(COMPLETION_MS, undefined, { ref: false });
    await erase(sessionId, userId);
  }

  return {
    erase: async (sessionId, userId) => {
      const outcome = await erase(sessionId, userId);
      if (outcome === 'not_found') throw new ApiError('not_found');
      // A worker that has published its answer keeps the job for a moment more. If this fails, `finish` goes on.
      if (outcome === 'in_hand') eraseLater(sessionId, userId).catch(() => {});
    },
    eraseLate: ({ sessionId, userId }) => eraseLater(sessionId, userId),
    finish: async () => {
      const unfinished = await conversations.unfinishedErasures(Date.now() - UNFINISHED_MS, FINISHED_TOGETHER);
      for (const { sessionId, userId } of unfinished) await erase(sessionId, userId);
    },
  };
}
