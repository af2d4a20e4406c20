import { setTimeout as sleep } from 'node:timers/promises';
import type { HistoryStore } from '../../adapters/history/history-store.ts';
import { ApiError } from '../../contracts/errors.ts';

export interface SessionEraser {
  /**
   * Erases a user's session wherever something of it is kept. What fails half way can be repeated.
   * @throws ApiError not_found
   */
  erase(sessionId: string, userId: string): Promise<void>;
  /** Erases what a worker had in hand when its session was erased, and has kept since. */
  eraseLate(sessionId: string, requestId: string): Promise<void>;
}

/** A worker completes its job this long after it has published the answer, at most, as a rule. */
const COMPLETION_MS = 1_000;

export function createSessionEraser(options: {
  history: Pick<HistoryStore, 'session' | 'erase'>;
  /** Has the work on a request stop, wherever it is. */
  cancelRequest: (requestId: string) => Promise<void>;
  /** Removes what the job queue keeps of these requests, but for those in a worker's hand. */
  forgetJobs: (requestIds: string[]) => Promise<void>;
  /** Removes the session's last answer from the cache. */
  forgetAnswer: (sessionId: string) => Promise<void>;
}): SessionEraser {
  const { history, cancelRequest, forgetJobs, forgetAnswer } = options;
  return {
    erase: async (sessionId, userId) => {
      // The session goes last: as long as it is there, its owner can try again.
      const session = await history.session(sessionId, userId);
      if (!session) throw new ApiError('not_found');
      const { turns } = session;
      await Promise.all(
        turns.filter(({ status }) => status === 'queued').map(({ requestId }) => cancelRequest(requestId)),
      );
      await forgetAnswer(sessionId);
      await forgetJobs(turns.map(({ requestId }) => requestId));
      await history.erase(sessionId, userId);
    },
    eraseLate: async (sessionId, requestId) => {
      await sleep(COMPLETION_MS, undefined, { ref: false });
      await forgetAnswer(sessionId);
      await forgetJobs([requestId]);
    },
  };
}
