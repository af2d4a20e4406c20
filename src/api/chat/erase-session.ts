import { setTimeout as sleep } from 'node:timers/promises';
import type { ConversationStore, Remains } from '../../adapters/conversations/conversation-store.ts';
import { inBatches } from '../../batching/in-batches.ts';
import type { Erasure } from '../../contracts/erasures.ts';
import { ApiError } from '../../contracts/errors.ts';
import type { DataOfSession } from '../../contracts/kept-data.ts';
import type { NoteFound } from '../erasure/data-group.ts';

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
  /** Erases the jobs of an erased session, and its answers in cache and logs. A job that a worker has in hand stays. */
  eraseRemains(sessionId: string, userId: string, remains: Remains): Promise<void>;
}

/** Erases what is kept of a session everywhere, and writes the receipt. */
export interface WholeEraser {
  beginWith(
    of: DataOfSession,
    requestedBy: 'user',
    steps: (note: NoteFound | undefined) => Promise<boolean>,
  ): Promise<Erasure | undefined>;
  isUnderWay(of: DataOfSession): Promise<boolean>;
  run(erasureId: string): Promise<Erasure>;
}

/** A worker usually completes its job within this time after it has published the answer. */
const COMPLETION_MS = 1_000;
/** An erasure that was last tried this long ago has stopped. */
const UNFINISHED_MS = 60_000;
const FINISHED_TOGETHER = 10;
/** What must be looked for is looked for by so many erasures together, and by the next ones after a pause. */
const LOOKING_TOGETHER = 50;
const PAUSE_MS = 3_000;
/** A look at very many dead letters takes long. The pause after it is so many times as long, so looks are a fifth of the time at most. */
const PAUSE_OF_LOOK = 4;

/** What a session had when it was erased. */
export const hadOf = ({ had }: Remains) => ({
  conversations: 1,
  turns: had.turns,
  feedback: had.feedback,
  open_turns: had.openTurns,
});

/**
 * Erases sessions. What has texts of the user goes at once, and by the ids that the session has: that costs few round trips.
 * What must be looked for, such as dead letters, is left to the whole eraser. Erasures that come while others look wait, and then
 * look together. So somebody who erases one session after the other causes no more looks than anybody else.
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
    count(sessionId: string, userId: string, answerKeys: string[]): Promise<{ last: number; cached: number }>;
    /** Removes the session's last answer, and the answers under these keys, from the cache. */
    erase(sessionId: string, userId: string, answerKeys: string[]): Promise<void>;
  };
  /** Answer logs, by requests. */
  logs: { count(requestIds: string[]): Promise<number>; erase(requestIds: string[]): Promise<void> };
}): SessionEraser {
  const { conversations, whole, cancelRequests, countJobs, forgetJobs, answers, logs } = options;

  async function eraseRemains(sessionId: string, userId: string, remains: Remains): Promise<void> {
    const { requestIds, answerKeys } = remains;
    await cancelRequests(userId, requestIds);
    await Promise.all([answers.erase(sessionId, userId, answerKeys), logs.erase(requestIds)]);
    const inHand = await forgetJobs(userId, requestIds);
    if (inHand.length === 0) await conversations.markErased(sessionId, userId, remains);
  }

  /** Notes what there is before it goes, so that the receipt has it whatever dies in between. */
  async function noteAndErase(sessionId: string, userId: string, remains: Remains, note: NoteFound): Promise<void> {
    const { requestIds, answerKeys } = remains;
    const [jobs, { last, cached }, answerLogs] = await Promise.all([
      countJobs(userId, requestIds),
      answers.count(sessionId, userId, answerKeys),
      logs.count(requestIds),
    ]);
    await note([{ sessionId, requestIds, answerKeys }], {
      ...hadOf(remains),
      ...{ jobs, answer_logs: answerLogs, cached_answers: cached, last_answers: last },
    });
    await eraseRemains(sessionId, userId, remains);
  }

  /** When the next look may begin. */
  let nextLookAt = Number.NEGATIVE_INFINITY;
  /** The rest is looked for in all stores, which takes seconds. If this fails, or the process ends before, a round goes on with it. */
  const eraseRest = inBatches(
    async (erasureIds: string[]) => {
      const begunAt = performance.now();
      await Promise.allSettled(erasureIds.map((erasureId) => whole().run(erasureId)));
      const endedAt = performance.now();
      nextLookAt = endedAt + Math.max(PAUSE_MS, (endedAt - begunAt) * PAUSE_OF_LOOK);
      return erasureIds;
    },
    { maxItems: LOOKING_TOGETHER, gatherMs: () => nextLookAt - performance.now() },
  );

  async function erase(sessionId: string, userId: string): Promise<Erasure> {
    const erasure = await whole().beginWith({ userId, sessionId }, 'user', async (note) => {
      const remains = await conversations.erase(sessionId, userId);
      if (remains && note) await noteAndErase(sessionId, userId, remains, note);
      return remains !== undefined;
    });
    if (!erasure) throw new ApiError('not_found');
    void eraseRest(erasure.erasureId);
    return erasure;
  }

  async function eraseAgain(sessionId: string, userId: string): Promise<void> {
    // Otherwise its receipt would not have what is erased here.
    if (await whole().isUnderWay({ userId, sessionId })) return;
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
