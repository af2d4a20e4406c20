import type { Collection, Db, Filter } from 'mongodb';
import type { ChatResponse } from '../../../contracts/chat-response.ts';
import type { Session, Turn } from '../../../contracts/conversation.ts';
import type { Seals } from '../../../contracts/sealing.ts';
import type { NeededIndex } from '../../mongodb/indexes.ts';
import type { NewFeedback } from '../feedback-store.ts';
import type { ArchivedTurn } from '../history-archive.ts';
import {
  type KeptAnswer,
  type KeptFeedback,
  type KeptMessage,
  type KeptTitle,
  keptMessageOf,
  openTitle,
} from '../sealed-texts.ts';
import { turnOf as openTurn } from '../stored-turn.ts';

/** A turn that has ended, with the text of its question. Turns that are open are in Redis only. */
export type TurnDocument = TurnFields & KeptMessage;

export interface TurnFields {
  /** JSON list of sessionId and requestId. */
  _id: string;
  kind: 'turn';
  sessionId: string;
  requestId: string;
  userId: string;
  /** The turns of a session are numbered in the order in which they were begun. */
  number: number;
  /** When the question was asked, in ms. */
  askedAt: number;
  /** The same, ISO 8601. */
  createdAt: string;
  status: ChatResponse['status'];
  answer: KeptAnswer;
  /** The answer's key in the answer cache. */
  answerKey?: string;
  feedback?: KeptFeedback<NewFeedback>;
  /** When the feedback was given, in ms. */
  ratedAt?: number;
  /** MongoDB removes the document some time after this. Readers ignore it from then on. */
  expireAt: Date;
}

/** A session of which at least one turn has ended. */
export interface SessionDocument extends KeptTitle {
  /** JSON list of sessionId. */
  _id: string;
  kind: 'session';
  sessionId: string;
  userId: string;
  /** When its newest ended question was asked, in ms. */
  askedAt: number;
  createdAt: string;
  updatedAt: string;
  expireAt: Date;
}

/** Sessions and turns share a collection, so that one bulk write changes both, and one query reads a whole session. */
export type ConversationDocument = TurnDocument | SessionDocument;
export type Conversations = Collection<ConversationDocument>;

const COLLECTION = 'conversations';

export const conversationsOf = (db: Db): Conversations => db.collection<ConversationDocument>(COLLECTION);

export const conversationIndexes: readonly NeededIndex[] = [
  // A whole session: to load it into Redis, and to erase it.
  { collection: COLLECTION, keys: { sessionId: 1, number: 1 } },
  // A user's history, and the list of their sessions, newest first.
  { collection: COLLECTION, keys: { userId: 1, kind: 1, askedAt: -1, _id: -1 } },
  { collection: COLLECTION, keys: { userId: 1, requestId: 1 } },
  { collection: COLLECTION, keys: { ratedAt: 1, _id: 1 }, options: { sparse: true } },
  { collection: COLLECTION, keys: { expireAt: 1 }, options: { ttl: true } },
];

export const turnIdOf = ({ sessionId, requestId }: { sessionId: string; requestId: string }) =>
  JSON.stringify([sessionId, requestId]);

export const sessionDocumentIdOf = (sessionId: string) => JSON.stringify([sessionId]);

/** The retention also holds for documents that MongoDB has not removed yet. */
export const unexpired = (): Filter<ConversationDocument> => ({ expireAt: { $gt: new Date() } });

/** Opens a turn. Returns undefined if its texts are erased. @throws MasterKeyMissingError */
export function turnOf(seals: Seals, document: TurnDocument): Turn | undefined {
  const { createdAt, answer, feedback } = document;
  return openTurn(seals, document, { kept: keptMessageOf(document), createdAt, answer, feedback });
}

/** Opens a session. @throws MasterKeyMissingError */
export function sessionOf(seals: Seals, document: SessionDocument): Session {
  const { sessionId, createdAt, updatedAt } = document;
  return { sessionId, title: openTitle(seals, document, document) ?? null, createdAt, updatedAt };
}

/** The message of `chat_responses` that has ended the turn, as it is kept. */
export const responseOf = ({ answer, answerKey }: TurnDocument): ArchivedTurn['response'] => ({
  ...answer,
  ...(answerKey !== undefined && { answerKey }),
});

export const archivedTurnOf = (document: TurnDocument): ArchivedTurn => ({
  requestId: document.requestId,
  number: document.number,
  ...keptMessageOf(document),
  createdAt: document.createdAt,
  response: responseOf(document),
  feedback: document.feedback ?? null,
});
