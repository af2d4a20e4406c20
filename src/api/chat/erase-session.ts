import { setTimeout as sleep } from 'node:timers/promises';
import type { ConversationStore, Remains } from '../../adapters/conversations/conversation-store.ts';
import { ApiError } from '../../contracts/errors.ts';

export interface SessionEraser {
  /**
   * Erases a user's session everywhere. If this fails half way, the user may repeat it. If the user does not, `finish`
   * completes it.
   * @throws ApiError not_found
   */
  erase(sessionId: string, userId: string): Promise<void>;
  /** Erases what a worker has kept of an answer that came after its session was erased. Waits a moment first. */
  eraseLate(answer: { sessionId: string; userId: string }): Promise<void>;
  /** Completes erasures that began a while ago and stopped half way. */
  finish(): Promise<void>;
  /** Erases what an erased session has left elsewhere. Returns whether nothing is in a worker's hands any more. */
  eraseRemains(sessionId: string, userId: string, remains: Remains): Promise<boolean>;
}

/** A worker usually completes its job within this time after it has published the answer. */
const COMPLETION_MS = 1_000;
/** An erasure that was last tried this long ago has stopped. */
const UNFINISHED_MS = 60_000;
const FINISHED_TOGETHER = 10;

export function createSessionEraser(options: {
  conversations: Pick<ConversationStore, 'erase' | 'markErased' | 'unfinishedErasures'>;
  /** Stops the work on these requests of a user, wherever they are. A worker that takes one of them later stops as well. */
  cancelRequests: (userId: string, requestIds: string[]) => Promise<void>;
  /** Removes the jobs of these requests of a user. Returns the requests whose jobs stay, because a worker has them in hand. */
  forgetJobs: (userId: string, requestIds: string[]) => Promise<string[]>;
  /** Removes the session's last answer, and the answers under these keys, from the cache. */
  forgetAnswers: (sessionId: string, answerKeys: string[]) => Promise<void>;
  /** Removes the answer logs of these requests. */
  eraseLogs: (requestIds: string[]) => Promise<void>;
}): SessionEraser {
  const { conversations, cancelRequests, forgetJobs, forgetAnswers, eraseLogs } = options;

  /**
   * Erases the session first, so that nobody sees it and nothing is added to it. Its tombstone keeps the ids until the
   * rest is erased as well.
   */
  async function erase(sessionId: string, userId: string): Promise<'erased' | 'in_hand' | 'not_found'> {
    const remains = await conversations.erase(sessionId, userId);
    if (!remains) return 'not_found';
    return (await eraseRemains(sessionId, userId, remains)) ? 'erased' : 'in_hand';
  }

  async function eraseRemains(sessionId: string, userId: string, remains: Remains): Promise<boolean> {
    await cancelRequests(userId, remains.requestIds);
    await Promise.all([forgetAnswers(sessionId, remains.answerKeys), eraseLogs(remains.requestIds)]);
    const inHand = await forgetJobs(userId, remains.requestIds);
    if (inHand.length === 0) await conversations.markErased(sessionId, userId, remains);
    return inHand.length === 0;
  }

  async function eraseLater(sessionId: string, userId: string): Promise<void> {
    await sleep(COMPLETION_MS, undefined, { ref: false });
    await erase(sessionId, userId);
  }

  return {
    erase: async (sessionId, userId) => {
      const outcome = await erase(sessionId, userId);
      if (outcome === 'not_found') throw new ApiError('not_found');
      // A worker that has published its answer has the job in hand for a moment longer. If this fails, `finish`
      // completes it.
      if (outcome === 'in_hand') eraseLater(sessionId, userId).catch(() => {});
    },
    eraseLate: ({ sessionId, userId }) => eraseLater(sessionId, userId),
    eraseRemains,
    finish: async () => {
      const unfinished = await conversations.unfinishedErasures(Date.now() - UNFINISHED_MS, FINISHED_TOGETHER);
      for (const { sessionId, userId } of unfinished) await erase(sessionId, userId);
    },
  };
}
