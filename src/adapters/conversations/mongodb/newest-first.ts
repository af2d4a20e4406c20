import type { Filter } from 'mongodb';
import { eachOrStoreUnavailable } from '../../mongodb/or-store-unavailable.ts';
import { decodeCursor, encodeCursor } from '../newest-first.ts';
import {
  type ConversationDocument,
  type Conversations,
  type SessionDocument,
  type TurnDocument,
  unexpired,
} from './documents.ts';

/** A session or a turn at its place: by time, and those of the same time by id. */
export interface Placed<T> {
  value: T;
  /** ms */
  at: number;
  /** The `_id` of its document. */
  id: string;
}

/** How many documents are read in one round trip. */
const READ_TOGETHER = 25;

/** Whether a comes before b in a list that begins with the newest. MongoDB compares texts by their bytes as well. */
const isBefore = (a: Omit<Placed<unknown>, 'value'>, b: Omit<Placed<unknown>, 'value'>) =>
  a.at === b.at ? Buffer.compare(Buffer.from(a.id), Buffer.from(b.id)) > 0 : a.at > b.at;

export const cursorOf = ({ at, id }: Placed<unknown>) => encodeCursor(at, id);

/**
 * Gives a user's documents of one kind after a cursor, newest first. Reads a batch when it is needed.
 * @throws UnreadableCursor, StoreUnavailableError
 */
export async function* readNewestFirst<D extends TurnDocument | SessionDocument>(
  conversations: Conversations,
  {
    userId,
    kind,
    cursor,
    askedAfter,
  }: { userId: string; kind: D['kind']; cursor: string | undefined; askedAfter: number },
): AsyncGenerator<Placed<D>> {
  const filter: Filter<ConversationDocument>[] = [{ userId, kind, askedAt: { $gt: askedAfter } }, unexpired()];
  if (cursor !== undefined) {
    const { at, member } = decodeCursor(cursor);
    filter.push({ askedAt: { $lte: at } }, { $or: [{ askedAt: { $lt: at } }, { _id: { $lt: member } }] });
  }
  const found = conversations.find<D>({ $and: filter }, { batchSize: READ_TOGETHER }).sort({ askedAt: -1, _id: -1 });
  try {
    for await (const value of eachOrStoreUnavailable(found)) yield { value, at: value.askedAt, id: value._id };
  } finally {
    // A failure to close it only leaves it on the server until it expires there.
    await found.close().catch(() => {});
  }
}

/**
 * Puts what Redis has among what MongoDB has. Both begin with the newest.
 * @param live what Redis has after the cursor; of these, MongoDB's documents are left out
 */
export async function* mergeNewestFirst<T, D>(
  live: readonly Placed<T>[],
  lasting: AsyncIterable<Placed<D>>,
  toValue: (document: D) => T,
): AsyncGenerator<Placed<T>> {
  let next = 0;
  for await (const { value, at, id } of lasting) {
    while (next < live.length && isBefore(live[next]!, { at, id })) yield live[next++]!;
    if (next < live.length && live[next]!.id === id) next++;
    yield { value: toValue(value), at, id };
  }
  yield* live.slice(next);
}

/**
 * Those after the cursor, newest first.
 * @throws UnreadableCursor
 */
export function afterCursor<T>(live: Placed<T>[], cursor: string | undefined): Placed<T>[] {
  const sorted = live.toSorted((a, b) => (isBefore(a, b) ? -1 : 1));
  if (cursor === undefined) return sorted;
  const { at, member: id } = decodeCursor(cursor);
  return sorted.filter((each) => isBefore({ at, id }, each));
}
