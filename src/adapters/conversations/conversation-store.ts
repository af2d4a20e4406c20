import type { ChatResponse } from '../../contracts/chat-response.ts';
import type { HistoryPage, Session, SessionTurn } from '../../contracts/http/chat-bodies.ts';
import type { OverdueTurn, TurnAddress } from './open-turns.ts';
import type { Remains } from './redis-scripts/erase-session.ts';
import type { UnsettledTurn } from './redis-scripts/unsettled-turns.ts';

export { UnreadableCursor } from './unreadable-cursor.ts';
export type { OverdueTurn, Remains, TurnAddress, UnsettledTurn };

/** What became of an answer that was to be written down. */
export type SettleOutcome =
  /** The turn has reached its terminal state by it. */
  | 'settled'
  /** The turn was terminal already; nothing changed. */
  | 'duplicate'
  /** The session was erased by its owner. The answer is to be dropped, and the erasure to be gone on with: see `erase`. */
  | 'erased'
  /** There is no such turn, or it is another user's. */
  | 'unknown';

export interface NewTurn {
  sessionId: string;
  userId: string;
  requestId: string;
  message: string;
  /** ISO 8601. */
  createdAt: string;
  /** How long from now on until the turn is overdue, ms. */
  dueInMs: number;
}

export type BeginOutcome =
  | 'begun'
  /** The session to be continued does not exist, or is another user's, or nobody has seen it yet. */
  | 'not_found'
  /** The new session's id is in use, by whomever, or was. */
  | 'taken'
  /** The session has as many turns as it may have. */
  | 'full';

export interface SessionPageQuery {
  /** Most turns of the page. */
  limit: number;
  /** The page before the one that gave this as its `nextCursor`; left out: the newest turns. */
  cursor?: string | undefined;
  /** The page ends where its turns would take more, as they are stored; but it has one turn at least. */
  maxBytes?: number;
}

/** A page of a session, and its latest visible turn, which an older page does not have. */
export interface SessionPage {
  session: Session;
  latest: SessionTurn;
}

/**
 * Sessions and history. A turn is *accepting* from `begin` to `confirm`, and invisible to its user until then,
 * *queued* until `settle`, and then terminal. A failure may yet be superseded by an answer; nothing else changes
 * a terminal state. Every method is idempotent and rejects with StoreUnavailableError when the store is out of reach.
 */
export interface ConversationStore {
  /**
   * Writes a turn down before it is published. With `newSession` the session is made if it is absent, else it must
   * exist, be visible and belong to the user. Repeating it for the same requestId changes nothing.
   */
  begin(turn: NewTurn, options: { newSession: boolean }): Promise<BeginOutcome>;
  /**
   * Makes the turn visible: the broker has it.
   * @param options.hurry false: a moment later, together with others
   */
  confirm(sessionId: string, requestId: string, options: { hurry: boolean }): Promise<void>;
  /** Writes terminal states down, in one round trip; outcomes are in the order of the responses. */
  settle(responses: readonly ChatResponse[]): Promise<SettleOutcome[]>;
  /**
   * The user's session with a page of its visible turns, oldest first; undefined if there is none or it is another's.
   * One round trip.
   * @throws UnreadableCursor
   */
  session(sessionId: string, userId: string, page: SessionPageQuery): Promise<SessionPage | undefined>;
  /** A turn whose session is known to be the caller's; undefined if it is not there, or not visible. */
  turn(sessionId: string, requestId: string): Promise<SessionTurn | undefined>;
  /**
   * The turns of the user's session that are not terminal, also those not visible yet; undefined if the user has no such
   * session. Reads no answer.
   */
  unsettled(sessionId: string, userId: string): Promise<UnsettledTurn[] | undefined>;
  /** The session in which the user has asked the request; undefined if they have not. */
  sessionOf(requestId: string, userId: string): Promise<string | undefined>;
  /**
   * The user's visible turns, newest first.
   * @throws UnreadableCursor
   */
  history(userId: string, page: { limit: number; cursor?: string | undefined }): Promise<HistoryPage>;
  /**
   * Erases the session; from then on it is not there for its user, and late answers are dropped. Gives what it has left
   * elsewhere, and the same again until `markErased`; then, what late answers have left. Undefined if the user has no such
   * session, or nothing of it is left.
   */
  erase(sessionId: string, userId: string): Promise<Remains | undefined>;
  /** Nothing of this is left anywhere. What was added since is yet to be erased. */
  markErased(sessionId: string, userId: string, remains: Remains): Promise<void>;
  /** Erased sessions of which something was left before a time, in ms. */
  unfinishedErasures(before: number, count: number): Promise<{ sessionId: string; userId: string }[]>;

  /**
   * Turns that have been overdue for so many ms, and that nobody has seen to reach a terminal state. The store's clock
   * decides, so that all processes agree.
   */
  overdue(forMs: number, count: number): Promise<OverdueTurn[]>;
  /** Has these be overdue again in so many ms; negative: since then. */
  postpone(turns: readonly TurnAddress[], dueInMs: number): Promise<void>;
  /** These are not to be overdue any more. */
  close(turns: readonly TurnAddress[]): Promise<void>;
  /** Removes a turn that is still accepting: it was refused, and nothing comes of it. */
  discard(turn: TurnAddress): Promise<void>;
}
