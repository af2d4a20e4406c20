import { UnreadableMessage } from '../../contracts/read-message.ts';
import type { Seals, TextSeals } from '../../contracts/sealing.ts';
import { orStoreUnavailable } from '../redis/connect-redis.ts';
import type { Redis } from '../redis/redis.ts';
import { jobIdOf, type WorkflowState } from './chat-job.ts';
import type { ShardKeys } from './every-shard.ts';
import { type Fields, fieldsOf, readJobState } from './read-job-data.ts';
import { openRequest, openState } from './sealed-job.ts';

const READ_TOGETHER = 25;

/** What a job has of its user, with the texts. Times are ISO 8601. */
export interface KeptJob {
  requestId: string;
  /** null: not known. */
  sessionId: string | null;
  addedAt: string | null;
  endedAt: string | null;
  /** null: it is not kept any more, or cannot be opened. */
  request: Fields | null;
  /** What the steps have brought so far, by their names. */
  results: WorkflowState['results'];
  /** What is kept of a job that has ended. */
  result: Fields | null;
}

/** Reads jobs of a user that are still there. One round trip for each 25. @throws StoreUnavailableError, MasterKeyMissingError */
export async function* readKeptJobs(
  { redis, seals }: { redis: Redis; seals: TextSeals },
  userId: string,
  jobs: readonly { requestId: string; sessionId: string; shard: ShardKeys }[],
): AsyncGenerator<KeptJob> {
  for (let first = 0; first < jobs.length; first += READ_TOGETHER) {
    const some = jobs.slice(first, first + READ_TOGETHER);
    const commands = some.map(({ requestId, shard }) =>
      redis.hmget(shard.toKey(jobIdOf(requestId)), 'timestamp', 'finishedOn', 'data', 'progress', 'returnvalue'),
    );
    const kept = await orStoreUnavailable(Promise.all(commands));
    const own = await seals.forOpening([userId]);
    for (const [index, { requestId, sessionId }] of some.entries()) {
      const [addedAt, endedAt, data, progress, result] = kept[index]!;
      if (!addedAt) continue;
      const state = readJobState(progress ?? '');
      yield {
        ...{ requestId, sessionId: sessionId || null, addedAt: isoOf(addedAt), endedAt: isoOf(endedAt) },
        request: requestIn(own, fieldsOf(data ?? undefined)?.request),
        results: state ? openState(own, { userId, requestId }, state).results : {},
        result: fieldsOf(result ?? undefined) ?? null,
      };
    }
  }
}

function requestIn(seals: Seals, kept: unknown): Fields | null {
  if (typeof kept !== 'object' || kept === null) return null;
  try {
    return openRequest(seals, kept as Fields);
  } catch (error) {
    if (error instanceof UnreadableMessage) return null;
    throw error;
  }
}

const isoOf = (ms: string | null | undefined) => (ms ? new Date(Number(ms)).toISOString() : null);
