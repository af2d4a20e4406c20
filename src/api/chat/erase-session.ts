import { setTimeout as sleep } from 'node:timers/promises';
import type { ConversationStore, Remains } from '../../adapters/conversations/conversation-store.ts';
import type { Erasure, Trace } from '../../contracts/erasures.ts';
import { ApiError } from '../../contracts/errors.ts';
import type { DataOf, KindOfData } from '../../contracts/kept-data.ts';

export interface SessionEraser {
  /**
   * Erases a user's session, its jobs, and its answers in cache and logs. The rest of it is erased soon after. If this fails half
   * way, the user may repeat it. If the user does not, it goes on all the same.
   * @returns the erasure, whose receipt the user can read
   * @throws ApiError not_found
   */
  erase(sessionId: string, userId: string): Promise<Erasure>;
  /** Erases what a worker has kept of an answer that came after its session was erased. Waits a moment first. */
  eraseLate(answer: { sessionId: string; userId: string }): Promise<void>;
  /** Completes what began a while ago and stopped half way. */
  finish(): Promise<void>;
  /**
   * Erases the jobs of an erased session, and its answers in cache and logs.
   * @returns how much was there; a job that a worker has in hand stays and does not count
   */
  eraseRemains(sessionId: string, userId: string, remains: Remains): Promise<ErasedRemains>;
}

type ErasedRemains = Record<'jobs' | 'answer_logs' | 'cached_answers' | 'last_answers', number>;

/** Erases what is kept of a session everywhere, and writes the receipt. */
export interface WholeEraser {
  begin(of: DataOf, requestedBy: 'user'): Promise<Erasure>;
  noteErased(erasure: Erasure, erased: Partial<Record<KindOfData, number>>, traces: readonly Trace[]): Promise<void>;
  drop(erasure: Erasure): Promise<void>;
  run(erasureId: string): Promise<Erasure>;
}

/** A worker usually completes its job within this time after it has published the answer. */
const COMPLETION_MS = 1_000;
/** An erasure that was last tried this long ago has stopped. */
const UNFINISHED_MS = 60_000;
const FINISHED_TOGETHER = 10;

/**
 * Erases sessions. What has texts of the user goes at once, and by the ids that the session has: that costs few round trips.
 * What must be looked for, such as dead letters, is left to the whole eraser, one session after the other.
 */
export function createSessionEraser(options: {
  conversations: Pick<ConversationStore, 'erase' | 'markErased' | 'unfinishedErasures'>;
  /** Is made of parts that need `eraseRemains`. */
  whole: () => WholeEraser;
  /** Stops the work on these requests of a user, wherever they are. A worker that takes one of them later stops as well. */
  cancelRequests: (userId: string, requestIds: string[]) => Promise<void>;
  countJobs: (userId: string, requestIds: string[]) => Promise<number>;
  /** Removes the jobs of these requests of a user. Returns the requests whose jobs stay, because a worker has them in hand. */
  forgetJobs: (userId: string, requestIds: string[]) => Promise<string[]>;
  answers: {
    count(sessionId: string, answerKeys: string[]): Promise<{ last: number; cached: number }>;
    /** Removes the session's last answer, and the answers under these keys, from the cache. */
    erase(sessionId: string, answerKeys: string[]): Promise<void>;
  };
  /** Answer logs, by requests. */
  logs: { count(requestIds: string[]): Promise<number>; erase(requestIds: string[]): Promise<void> };
}): SessionEraser {
  const { conversations, whole, cancelRequests, countJobs, forgetJobs, answers, logs } = options;

  async function eraseRemains(sessionId: string, userId: string, remains: Remains): Promise<ErasedRemains> {
    const { requestIds, answerKeys } = remains;
    const [jobs, { last, cached }, answerLogs] = await Promise.all([
      countJobs(userId, requestIds),
      answers.count(sessionId, answerKeys),
      logs.count(requestIds),
      cancelRequests(userId, requestIds),
    ]);
    await Promise.all([answers.erase(sessionId, answerKeys), logs.erase(requestIds)]);
    const inHand = await forgetJobs(userId, requestIds);
    if (inHand.length === 0) await conversations.markErased(sessionId, userId, remains);
    return {
      jobs: Math.max(0, jobs - inHand.length),
      ...{ answer_logs: answerLogs, cached_answers: cached, last_answers: last },
    };
  }

  /** The rest is looked for in all stores, which takes seconds. One at a time, so that many erasures are no load. */
  let others: Promise<unknown> = Promise.resolve();
  function eraseRest({ erasureId }: Erasure): void {
    // If this fails, or the process ends before, a round goes on with it.
    others = others.then(() => whole().run(erasureId)).catch(() => {});
  }

  async function erase(sessionId: string, userId: string): Promise<Erasure> {
    // This is noted first, so that another process continues if this one dies half way.
    const erasure = await whole().begin({ userId, sessionId }, 'user');
    const remains = await conversations.erase(sessionId, userId);
    if (!remains) {
      await whole().drop(erasure);
      throw new ApiError('not_found');
    }
    const erased = await eraseRemains(sessionId, userId, remains);
    const { requestIds, answerKeys, had } = remains;
    await whole().noteErased(
      erasure,
      { conversations: 1, turns: had.turns, feedback: had.feedback, open_turns: had.openTurns, ...erased },
      [{ sessionId, requestIds, answerKeys }],
    );
    eraseRest(erasure);
    return erasure;
  }

  async function eraseAgain(sessionId: string, userId: string): Promise<void> {
    const remains = await conversations.erase(sessionId, userId);
    if (remains) await eraseRemains(sessionId, userId, remains);
  }

  return {
    ...{ erase, eraseRemains },
    eraseLate: async ({ sessionId, userId }) => {
      await sleep(COMPLETION_MS, undefined, { ref: false });
      await eraseAgain(sessionId, userId);
    },
    finish: async () => {
      const unfinished = await conversations.unfinishedErasures(Date.now() - UNFINISHED_MS, FINISHED_TOGETHER);
      for (const { sessionId, userId } of unfinished) await eraseAgain(sessionId, userId);
    },
  };
}
