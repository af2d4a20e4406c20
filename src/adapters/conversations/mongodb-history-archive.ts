import type { Db, MongoBulkWriteError } from 'mongodb';
import { isBulkWriteError, isDuplicateKey } from '../mongodb/command-errors.ts';
import { eachOrStoreUnavailable, orStoreUnavailable } from '../mongodb/or-store-unavailable.ts';
import { type ArchivedSession, type ArchivedTurn, type HistoryArchive, lastAskedAt } from './history-archive.ts';
import {
  archivedTurnOf,
  type ConversationDocument,
  conversationsOf,
  type SessionDocument,
  sessionDocumentIdOf,
  type TurnDocument,
  turnIdOf,
  unexpired,
} from './mongodb/documents.ts';
import { keptMessageOf, keptTitleOf } from './sealed-texts.ts';

/** How many documents are read in one round trip. */
const READ_TOGETHER = 500;

/** The sessions of MongoDB. They are read in the order of an index, so no more than one session is in memory. */
export function createMongoDbHistoryArchive({ db }: { db: Db }): HistoryArchive {
  const conversations = conversationsOf(db);
  return {
    read: async function* () {
      const found = conversations.find(unexpired(), { batchSize: READ_TOGETHER }).sort({ sessionId: 1, number: 1 });
      let group: ConversationDocument[] = [];
      for await (const document of eachOrStoreUnavailable(found)) {
        if (group.length > 0 && group[0]!.sessionId !== document.sessionId) {
          yield* archivedSessionOf(group);
          group = [];
        }
        group.push(document);
      }
      yield* archivedSessionOf(group);
    },
    write: async (sessions) => {
      const documents = sessions.filter(isKept).flatMap(documentsOf);
      if (documents.length > 0) await orStoreUnavailable(insertMissing(documents));
    },
  };

  async function insertMissing(documents: ConversationDocument[]): Promise<void> {
    try {
      await conversations.insertMany(documents, { ordered: false });
    } catch (error) {
      if (!isBulkWriteError(error) || !isOnlyDuplicates(error)) throw error;
    }
  }
}

const isOnlyDuplicates = (error: MongoBulkWriteError) =>
  [error.writeErrors].flat().every(({ code }) => code === error.code) && isDuplicateKey(error);

const isKept = ({ keptUntil, turns }: ArchivedSession) => turns.length > 0 && Date.parse(keptUntil) > Date.now();

/** The documents of one session. Without a document of the session itself there is nothing. */
function* archivedSessionOf(documents: readonly ConversationDocument[]): Generator<ArchivedSession> {
  const session = documents.find((document): document is SessionDocument => document.kind === 'session');
  const turns = documents.filter((document): document is TurnDocument => document.kind === 'turn');
  if (!session || turns.length === 0) return;
  const { sessionId, userId, createdAt, updatedAt, expireAt } = session;
  yield {
    ...{ sessionId, userId, ...keptTitleOf(session), createdAt, updatedAt, keptUntil: expireAt.toISOString() },
    turns: turns.map(archivedTurnOf),
  };
}

function documentsOf(session: ArchivedSession): ConversationDocument[] {
  const { sessionId, userId, createdAt, updatedAt } = session;
  const expireAt = new Date(session.keptUntil);
  const turnDocumentOf = (turn: ArchivedTurn): TurnDocument => {
    const { requestId, number, createdAt, response, feedback } = turn;
    const { answerKey, ...answer } = response;
    return {
      ...{ _id: turnIdOf({ sessionId, requestId }), kind: 'turn', sessionId, requestId, userId, number },
      ...{ askedAt: Date.parse(createdAt), createdAt, ...keptMessageOf(turn), status: answer.status, answer },
      ...(answerKey !== undefined && { answerKey }),
      ...(feedback && { feedback, ratedAt: Date.parse(feedback.ratedAt) }),
      expireAt,
    };
  };
  return [
    // The turns first: a session is not listed before it has turns.
    ...session.turns.map(turnDocumentOf),
    {
      ...{ _id: sessionDocumentIdOf(sessionId), kind: 'session', sessionId, userId, ...keptTitleOf(session) },
      ...{ askedAt: lastAskedAt(session), createdAt, updatedAt, expireAt },
    },
  ];
}
