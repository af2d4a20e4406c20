import type { AnyBulkWriteOperation } from 'mongodb';
import { isBulkWriteError, isDuplicateKey } from '../../mongodb/command-errors.ts';
import type { KeptTitle } from '../sealed-texts.ts';
import { type ConversationDocument, type Conversations, sessionDocumentIdOf, type TurnDocument } from './documents.ts';

/** A turn that has ended, with what its session's document says if this turn is the first to be written. */
export interface EndedTurn {
  turn: TurnDocument;
  session: KeptTitle & { createdAt: string };
}

export interface Kept {
  /** Whether this call has written the turn's end. false: it had ended before, and nothing changed. */
  written: boolean;
  /** Whether the session had no document before. */
  newSession: boolean;
}

const TRIES = 5;

/**
 * Writes turns that have ended. A turn that is there stays as it is, but an answer of the model replaces a failure. The
 * filters guarantee this, so it can be repeated, also by several processes at once. One bulk write; one more if turns were
 * there.
 */
export async function keepTurns(conversations: Conversations, ended: readonly EndedTurn[]): Promise<Kept[]> {
  if (ended.length === 0) return [];
  const operations = [...ended.map(insertTurn), ...ended.map(updateSession)];
  // FerretDB gives other numbers than MongoDB to what it has inserted, so only the ids count.
  const inserted = await writeAgainIfRaced(conversations, operations);
  // Of several that end the same turn, the first is written.
  const kept = ended.map(({ turn }) => ({
    written: inserted.delete(turn._id),
    newSession: inserted.delete(sessionDocumentIdOf(turn.sessionId)),
  }));
  await endAgain(conversations, ended, kept);
  return kept;
}

const insertTurn = ({ turn: { _id, ...fields } }: EndedTurn): AnyBulkWriteOperation<ConversationDocument> => ({
  updateOne: { filter: { _id }, update: { $setOnInsert: fields }, upsert: true },
});

function updateSession({ turn, session }: EndedTurn): AnyBulkWriteOperation<ConversationDocument> {
  const { sessionId, userId, askedAt, expireAt, answer } = turn;
  return {
    updateOne: {
      filter: { _id: sessionDocumentIdOf(sessionId) },
      update: {
        $setOnInsert: { kind: 'session', sessionId, userId, ...session },
        $max: { askedAt, expireAt, updatedAt: answer.completedAt },
      },
      upsert: true,
    },
  };
}

/**
 * Two upserts of the same document at once may both try to insert it. Then one of them fails, and finds it next time.
 * Returns the ids of the documents that were inserted.
 */
async function writeAgainIfRaced(
  conversations: Conversations,
  operations: AnyBulkWriteOperation<ConversationDocument>[],
): Promise<Set<string>> {
  const inserted = new Set<string>();
  const add = (ids: Record<number, string> = {}) => {
    for (const id of Object.values(ids)) inserted.add(id);
  };
  for (let tries = 1; ; tries++) {
    try {
      add((await conversations.bulkWrite(operations, { ordered: false })).upsertedIds);
      return inserted;
    } catch (error) {
      if (!isBulkWriteError(error) || !isDuplicateKey(error) || tries === TRIES) throw error;
      add(error.result.upsertedIds);
    }
  }
}

/**
 * Ends again what had ended before, where that is allowed: an answer replaces a failure, which then counts as written. A
 * cancelled turn gets the tokens that its worker tells later.
 */
async function endAgain(
  conversations: Conversations,
  ended: readonly EndedTurn[],
  kept: readonly Kept[],
): Promise<void> {
  for (const [index, { turn }] of ended.entries()) {
    if (kept[index]!.written) continue;
    const { _id, status, answer, answerKey, expireAt } = turn;
    const { partialUsage } = answer;
    if (status === 'completed') {
      const { modifiedCount } = await conversations.updateOne(
        { _id, status: 'failed' },
        { $set: { status, answer, expireAt, ...(answerKey !== undefined && { answerKey }) } },
      );
      kept[index]!.written = modifiedCount === 1;
    } else if (status === 'cancelled' && partialUsage) {
      await conversations.updateOne(
        { _id, status, 'answer.partialUsage': { $exists: false } },
        { $set: { 'answer.partialUsage': partialUsage } },
      );
    }
  }
}
