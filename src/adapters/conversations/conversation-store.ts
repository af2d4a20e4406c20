import type { ChatResponse } from '../../contracts/chat-response.ts';
import type { Session, Turn, TurnAddress } from '../../contracts/conversation.ts';

export interface NewTurn extends TurnAddress {
  message: string;
  /** ISO 8601. */
  createdAt: string;
  /** How long from now on until the turn is overdue, ms. */
  dueInMs: number;
}

export type BeginOutcome =
  | 'begun'
  /** The session to be continued does not exist, or is another user's, or none of its turns was ever visible. */
  | 'not_found'
  /** The new session's id is in use, or was, by this user or another one. */
  | 'taken'
  /** The session has as many turns as it may have. */
  | 'full';

/** What became of an answer that was to be written down. */
export type SettleOutcome =
  /** It has ended its turn. */
  | 'settled'
  /** The turn had ended already. Nothing changed. */
  | 'duplicate'
  /** The session was erased by its owner. The answer is dropped, and the session must be erased again: see `erase`. */
  | 'erased'
  /** There is no such turn, or it is another user's. */
  | 'unknown';

export interface SessionPageQuery {
  /** Most turns of the page. */
  limit: number;
  /** `nextCursor` of the page after which this one comes; left out: the newest turns. */
  cursor?: string | undefined;
  /**
   * About how many bytes the turns of the page may take. The page ends before the turn that would exceed this, but it has
   * one turn at least. Left out: `limits.pageBytes`.
   */
  maxBytes?: number;
}

/** A session with some of its visible turns. */
export interface SessionPage {
  session: Session;
  /** Oldest first. */
  turns: Turn[];
  /** The newest visible turn of the session. An older page does not have it among its turns. */
  latest: Turn;
  /** Leads to the page with the turns before these; null: there are none. */
  nextCursor: string | null;
}

/** Some of a user's visible turns, of all sessions. */
export interface HistoryPage {
  /** Newest first. */
  turns: Turn[];
  /** Leads to the page with the turns before these; null: there are none. */
  nextCursor: string | null;
}

/** A turn that has not ended. */
export interface UnsettledTurn {
  requestId: string;
  /** ISO 8601. */
  createdAt: string;
}

/** A turn whose deadline has passed, and that was not seen to end. */
export interface OverdueTurn extends TurnAddress {
  /** For one that is `ended` or `gone`, nothing is left to do but to `close` it. */
  state: 'accepting' | 'queued' | 'ended' | 'gone';
  /** When it was asked, ISO 8601; empty for one that is gone. */
  createdAt: string;
}

/** What an erased session has left outside of this store. It is to be erased there as well. */
export interface Remains {
  /** Of all turns that the session ever had, also those that were never visible. */
  requestIds: string[];
  /** The keys under which the answer cache has answers to its turns. */
  answerKeys: string[];
  /** Differs whenever these lists differ. */
  version: string;
}

/** A cursor that no page of this store has given. */
export class UnreadableCursor extends Error {}

/**
 * Sessions, their turns, and each user's history of turns. It is one port, because each of the first methods below changes
 * all three.
 *
 * A turn goes through these states:
 * - *accepting* after `begin`: its user does not see it yet, because the broker may refuse it.
 * - *queued* after `confirm`: it is visible.
 * - *ended* after `settle`: it is visible, and has an answer. An answer may come before `confirm`, and then makes the turn
 *   visible. Of several answers the first one stays, but a failure gives way to a later answer of the model.
 * - gone after `discard`, which only an accepting turn obeys, or after `erase`.
 *
 * A turn is *open* from `begin` until it has ended, was discarded or erased. Each open turn has a deadline, after which
 * `overdue` finds it.
 *
 * A session is visible as soon as one of its turns is. Each method can be repeated without harm, and rejects with
 * StoreUnavailableError when the store is out of reach.
 */
export interface ConversationStore {
  /**
   * Writes a turn down before it is published. With `newSession` the session is made, unless it is there and was never
   * visible. Without it, the session must be visible and the user's. A repeat for the same requestId changes nothing.
   *
   * Only visible turns count against `limits.sessionTurns`. Accepting turns may be as many again; then the oldest of them
   * is removed for a new one.
   */
  begin(turn: NewTurn, options: { newSession: boolean }): Promise<BeginOutcome>;
  /**
   * Makes the turn visible, because the broker has it.
   * @param options.hurry false: it may happen some milliseconds later, together with others
   */
  confirm(sessionId: string, requestId: string, options: { hurry: boolean }): Promise<void>;
  /** Removes a turn that is still accepting, because it was refused. */
  discard(turn: TurnAddress): Promise<void>;
  /**
   * Writes answers down, and tells all api processes which turns have ended. The outcomes are in the order of the
   * responses. One round trip.
   */
  settle(responses: readonly ChatResponse[]): Promise<SettleOutcome[]>;

  /**
   * The user's session with a page of its turns; undefined if the user has no such session, or it is not visible. One
   * round trip.
   * @throws UnreadableCursor
   */
  session(sessionId: string, userId: string, page: SessionPageQuery): Promise<SessionPage | undefined>;
  /** A turn of a session that is known to be the caller's; undefined if it is not there, or not visible. */
  turn(sessionId: string, requestId: string): Promise<Turn | undefined>;
  /** The open turns of the user's session, also those that are not visible; undefined if the user has no such session. */
  unsettled(sessionId: string, userId: string): Promise<UnsettledTurn[] | undefined>;
  /** The session in which the user has asked the request; undefined if they have not. */
  sessionOf(requestId: string, userId: string): Promise<string | undefined>;
  /**
   * A page of the user's turns. It has fewer than `limit` where they would take more than `limits.pageBytes`.
   * @throws UnreadableCursor
   */
  history(userId: string, page: { limit: number; cursor?: string | undefined }): Promise<HistoryPage>;

  /**
   * Erases the session. From then on it is not there for its user, its id stays taken, and late answers are dropped. Gives
   * what it has left elsewhere, and gives it again until `markErased`. An answer that comes later adds to it. Undefined if
   * the user has no such session, or nothing of it is left.
   */
  erase(sessionId: string, userId: string): Promise<Remains | undefined>;
  /** Tells that nothing of this is left elsewhere. What was added since is yet to be erased. */
  markErased(sessionId: string, userId: string, remains: Remains): Promise<void>;
  /** At most `count` erased sessions of which something was left before a time, in ms. */
  unfinishedErasures(before: number, count: number): Promise<{ sessionId: string; userId: string }[]>;

  /**
   * At most `count` turns that have been overdue for so many ms. The store's clock decides, so that all processes agree.
   */
  overdue(forMs: number, count: number): Promise<OverdueTurn[]>;
  /** Sets the deadline of these turns, if they are open, to so many ms from now; negative: that long ago. */
  postpone(turns: readonly TurnAddress[], dueInMs: number): Promise<void>;
  /** From now on these turns are not overdue. */
  close(turns: readonly TurnAddress[]): Promise<void>;
}
