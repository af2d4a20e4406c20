import type { ChatResponse } from '../../contracts/chat-response.ts';
import type { Session, Turn, TurnAddress } from '../../contracts/conversation.ts';
import type { Trace } from '../../contracts/erasures.ts';
import type { NewFeedback } from './feedback-store.ts';

export interface NewTurn extends TurnAddress {
  message: string;
  /** ISO 8601. */
  createdAt: string;
  /** The trace of the question, for the log. Left out: it has none. */
  traceId?: string;
  /** Whether the answer can be read while it is written. Left out: false. */
  stream?: boolean;
  /** How many ms from now the turn becomes overdue. */
  dueInMs: number;
}

export type BeginOutcome =
  | 'begun'
  /** The session to continue does not exist, is another user's, or none of its turns was ever visible. */
  | 'not_found'
  /** The new session's id is in use, or was used before, by this or another user. */
  | 'taken'
  /** The session has as many turns as it may have. */
  | 'full'
  /** The user was erased: see `refuse`. */
  | 'user_erased';

/** The result of writing an answer down. */
export type SettleOutcome =
  /** The answer has ended its turn. */
  | 'settled'
  /** The turn had ended before. Nothing changed. */
  | 'duplicate'
  /** The owner erased the session. The answer is dropped, and the session must be erased again: see `erase`. */
  | 'erased'
  /** There is no such turn, or it is another user's. */
  | 'unknown';

export interface SessionPageQuery {
  /** The largest number of turns on the page. */
  limit: number;
  /** The `nextCursor` of the page before. Left out: the page with the newest turns. */
  cursor?: string | undefined;
  /**
   * The approximate limit for the turns of the page, in bytes as they are kept. The page ends before the turn that would exceed it, but
   * it has at least one turn. Left out: `limits.pageBytes`.
   */
  maxBytes?: number;
}

/** A session with some of its visible turns. */
export interface SessionPage {
  session: Session;
  /** Oldest first. */
  turns: Turn[];
  /** The newest visible turn of the session. On an older page it is not among `turns`. */
  latest: Turn;
  /** The cursor for the page with older turns. null: there are none. */
  nextCursor: string | null;
}

export interface SessionListQuery {
  /** The largest number of sessions on the page. */
  limit: number;
  /** The `nextCursor` of the page before. */
  cursor?: string | undefined;
  /** Only sessions that have this in their titles. Capital letters do not matter. */
  search?: string | undefined;
}

/** Visible sessions of one user. */
export interface SessionListPage {
  /** The one with the newest question first. */
  sessions: Session[];
  /** The cursor for the page with older ones. null: there are none. After a long search it may lead to an empty page. */
  nextCursor: string | null;
}

/** Visible turns of one user, from all sessions. */
export interface HistoryPage {
  /** Newest first. */
  turns: Turn[];
  /** The cursor for the page with older turns. null: there are none. */
  nextCursor: string | null;
}

/** A turn that has not ended. */
export interface UnsettledTurn {
  requestId: string;
  /** ISO 8601. */
  createdAt: string;
  /** Whether the answer has a log. */
  stream: boolean;
}

/** A turn whose deadline has passed before we saw it end. */
export interface OverdueTurn extends TurnAddress {
  /** A turn that is `ended` or `gone` only needs to be closed: see `close`. */
  state: 'accepting' | 'queued' | 'ended' | 'gone';
  /** When the question was asked, ISO 8601. Empty if the turn is gone. */
  createdAt: string;
  /** The trace of the question; '' if it is not known. */
  traceId: string;
  /** Whether the answer has a log. */
  stream: boolean;
}

/** What an erased session has left in other stores, where it must be erased as well. */
export interface Remains {
  /** The ids of all turns that the session ever had, including those that were never visible. */
  requestIds: string[];
  /** The keys of its answers in the answer cache. */
  answerKeys: string[];
  /** How much the session had when it was erased. */
  had: { turns: number; feedback: number; openTurns: number };
  /** Changes whenever one of these lists changes. */
  version: string;
}

/** Whose conversations are meant: all of a user, or one of them. */
export interface KeptOf {
  userId: string;
  sessionId?: string | undefined;
}

/** How much is kept of a user's conversations, or of one of them. */
export interface KeptCounts {
  conversations: number;
  /** Also those that are not visible. */
  turns: number;
  feedback: number;
  /** Questions that are supervised until they end. */
  openTurns: number;
  /** Erased sessions that may have something left elsewhere. */
  unfinishedErasures: number;
}

type PlaceOfTurn = Omit<TurnAddress, 'userId'>;

/** `visible` is false until the broker has confirmed a question, or an answer has come. */
export type KeptSession = Session & { visible: boolean };
export type KeptTurn = Omit<Turn, 'feedback'> & { visible: boolean };

/**
 * Everything that is kept of a user's conversations, with the texts. What changes meanwhile may come twice, as it was and as it
 * is. Texts whose key was destroyed are left out. All reject with StoreUnavailableError, or MasterKeyMissingError.
 */
export interface KeptConversations {
  sessions(): AsyncIterable<KeptSession>;
  turns(): AsyncIterable<KeptTurn>;
  feedback(): AsyncIterable<PlaceOfTurn & NewFeedback>;
  /** What leads to the rest that is kept of these turns elsewhere. */
  traces(): AsyncIterable<Trace>;
  openTurns(): Promise<PlaceOfTurn[]>;
  unfinishedErasures(): Promise<{ sessionId: string }[]>;
}

/** The cursor did not come from a page of this store. */
export class UnreadableCursor extends Error {}

/**
 * Sessions, their turns, and each user's history of turns. They share one port because `begin`, `confirm`, `discard`
 * and `settle` change all of them.
 *
 * A turn has these states:
 * - *accepting* after `begin`. The user does not see the turn yet, because the broker may refuse it.
 * - *queued* after `confirm`. The turn is visible.
 * - *ended* after `settle`. The turn is visible and has an answer. An answer may come before `confirm` and makes the
 *   turn visible too. The first answer stays, but an answer of the model replaces a failure.
 * - *gone* after `discard`, which only affects an accepting turn, or after `erase`.
 *
 * A turn is *open* from `begin` until it has ended, or was discarded or erased. Each open turn has a deadline. After
 * that, `overdue` returns it.
 *
 * A session is visible once one of its turns is. Every method can be repeated without harm, and rejects with
 * StoreUnavailableError if the store is out of reach.
 */
export interface ConversationStore {
  /**
   * Writes a turn down before its question is published. With `newSession` it also creates the session, unless a
   * session with that id exists and was visible. Without `newSession`, the session must be visible and belong to the
   * user. Repeating the call with the same requestId changes nothing.
   *
   * Only visible turns count against `limits.sessionTurns`. There may be as many accepting turns in addition. If there
   * are more, the oldest accepting turn is removed.
   */
  begin(turn: NewTurn, options: { newSession: boolean }): Promise<BeginOutcome>;
  /**
   * Makes the turn visible, because the broker has its question.
   * @param options.hurry false: it may happen some milliseconds later, together with others
   */
  confirm(sessionId: string, requestId: string, options: { hurry: boolean }): Promise<void>;
  /** Removes a turn that is still accepting, because the broker refused it. */
  discard(turn: TurnAddress): Promise<void>;
  /**
   * Writes answers down, and tells all api processes which turns have ended. One round trip.
   * @returns the outcomes, in the order of the responses
   */
  settle(responses: readonly ChatResponse[]): Promise<SettleOutcome[]>;

  /**
   * Returns the user's session with a page of its turns, or undefined if the user has no visible session with this id.
   * One round trip.
   * @throws UnreadableCursor
   */
  session(sessionId: string, userId: string, page: SessionPageQuery): Promise<SessionPage | undefined>;
  /**
   * Returns a page of the user's sessions. A search may end a page early, or with nothing, so that no call reads
   * more than about a thousand sessions.
   * @throws UnreadableCursor
   */
  sessions(userId: string, page: SessionListQuery): Promise<SessionListPage>;
  /**
   * Gives the user's session another title, and changes nothing else. Returns undefined if the user has no visible
   * session with this id.
   */
  rename(sessionId: string, userId: string, title: string): Promise<Session | undefined>;
  /** Returns a turn of a session that is known to be the user's; undefined if it does not exist or is not visible. */
  turn(turn: TurnAddress): Promise<Turn | undefined>;
  /**
   * Returns the open turns of the user's session, including turns that are not visible; undefined if there is no such
   * session.
   */
  unsettled(sessionId: string, userId: string): Promise<UnsettledTurn[] | undefined>;
  /** Returns the id of the session in which the user asked this question; undefined if the user did not ask it. */
  sessionOf(requestId: string, userId: string): Promise<string | undefined>;
  /**
   * Returns a page of the user's turns. It has fewer than `limit` turns if they would be larger than
   * `limits.pageBytes`.
   * @throws UnreadableCursor
   */
  history(userId: string, page: { limit: number; cursor?: string | undefined }): Promise<HistoryPage>;

  /**
   * Erases the session. From then on its user cannot see it, its id stays taken, and answers that come later are
   * dropped. Returns what the session has left elsewhere, and returns it again until `markErased`. An answer that comes
   * later may add to it. Returns undefined if the user has no such session, or nothing of it is left.
   */
  erase(sessionId: string, userId: string): Promise<Remains | undefined>;
  /** Notes that nothing of `remains` is left elsewhere. What was added since must still be erased. */
  markErased(sessionId: string, userId: string, remains: Remains): Promise<void>;
  /** Returns at most `count` unfinished erasures that were last tried before a time, in ms. */
  unfinishedErasures(before: number, count: number): Promise<{ sessionId: string; userId: string }[]>;

  /** From now on, for ever, the user can begin no turn. */
  refuse(userId: string): Promise<void>;
  isRefused(userId: string): Promise<boolean>;
  /**
   * Erases some sessions of a user, as `erase` does, also those that are not visible. Returns what each has left elsewhere;
   * undefined once the user has none any more.
   */
  eraseSome(userId: string): Promise<{ sessionId: string; remains: Remains }[] | undefined>;
  /** Removes what lists of all users still have of a user, or of an erased session, whose turns are gone. */
  leaveLists(of: KeptOf): Promise<void>;
  /** Counts what is kept. Some of it is looked for in lists of all users. */
  countKept(of: KeptOf): Promise<KeptCounts>;
  /** Gives what is kept of a user. Nothing is read before it is asked for. */
  kept(userId: string): KeptConversations;

  /**
   * Returns at most `count` turns that have been overdue for at least `forMs`. The store's clock decides, so that all
   * processes agree.
   */
  overdue(forMs: number, count: number): Promise<OverdueTurn[]>;
  /** Sets the deadline of those turns that are open to `dueInMs` from now. Negative: the deadline has passed. */
  postpone(turns: readonly TurnAddress[], dueInMs: number): Promise<void>;
  /** Ends the supervision of these turns: `overdue` does not return them any more. */
  close(turns: readonly TurnAddress[]): Promise<void>;
}
