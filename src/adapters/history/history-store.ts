import type { ChatResponse } from '../../contracts/chat-response.ts';
import type { HistoryPage, Session, SessionTurn } from '../../contracts/http.ts';

/** What became of an answer that was to be written down. */
export type SettleOutcome =
  /** The turn has reached its terminal state by it. */
  | 'settled'
  /** The turn was terminal already; nothing changed. */
  | 'duplicate'
  /** The session was erased by its owner; the answer is to be dropped. */
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
}

export type BeginOutcome = 'begun' | 'not_found' | 'full';

/**
 * Sessions and history. A turn is *accepting* from `begin` to `confirm`, and invisible to its user until then,
 * *queued* until `settle`, and then terminal. A failure may yet be superseded by an answer; nothing else changes
 * a terminal state. Every method is idempotent and rejects with StoreUnavailableError when the store is out of reach.
 */
export interface HistoryStore {
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
  /** The user's session with its visible turns, oldest first; undefined if there is none or it is another's. */
  session(sessionId: string, userId: string): Promise<Session | undefined>;
  /** A turn whose session is known to be the caller's; undefined if it is not there, or not visible. */
  turn(sessionId: string, requestId: string): Promise<SessionTurn | undefined>;
  /** The user's visible turns, newest first. An unreadable cursor gives the first page. */
  history(userId: string, page: { limit: number; cursor?: string | undefined }): Promise<HistoryPage>;
  /** Erases the session; gives the requestIds it had, or undefined if the user has no such session. */
  erase(sessionId: string, userId: string): Promise<string[] | undefined>;
}
