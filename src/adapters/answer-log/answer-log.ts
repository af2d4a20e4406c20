import type { AnswerEventType, EndEvent, NumberedEvent } from '../../contracts/answer-events.ts';
import type { AnswerProgress } from '../../contracts/answer-progress.ts';
import { HealifyError } from '../../contracts/errors.ts';

/** How large a log may become. What exceeds this arrives with the end. */
export const MAX_LOG_BYTES = 1024 * 1024;

/** A log, and whose it is. */
export interface LogOf {
  requestId: string;
  userId: string;
}

/** Which attempt writes, to which log. */
export interface LogAttempt extends LogOf {
  /**
   * How often a worker has taken the request's job, this time included. A later attempt has a larger epoch. From its
   * first event on, the log refuses what earlier attempts write.
   */
  epoch: number;
  /** Counted from 1, as users see it. */
  attempt: number;
  /** ms; Infinity for a request without a deadline. A log that never ends expires some time after it. */
  deadlineAt: number;
}

/** Writes answer logs, for a worker. */
export interface AnswerLogWriter {
  open(attempt: LogAttempt): AttemptLog;
}

/**
 * The log of one request, as one attempt writes it. Nothing here waits for the store except `end`. What could not be written
 * yet is written together, later. If another attempt has begun to write, everything else is dropped.
 */
export interface AttemptLog extends AnswerProgress {
  /** The model is being asked. */
  asking(): void;
  /**
   * Another request is asking the model the same question. Until a later attempt writes, the log shows what that one writes
   * into its own log, from the beginning. If the store is out of reach, it does not. One round trip.
   */
  follow(asker: string): Promise<void>;
  /**
   * The whole answer is there, from an earlier attempt or another request. If the log shows the beginning of this text, its
   * readers keep it, and are not told `restarted`. Call it before anything else. One round trip, and one more if it shows a
   * text; none for the first attempt.
   * @returns whether they keep it. If not, the text must be written as a new one
   */
  resume(text: string): Promise<boolean>;
  /** The attempt has ended, and there will be another one. */
  retrying(why: { code: string; nextAt: string | null }): void;
  /**
   * Ends the log. Call it after the response was published; a cancelled request has `stop` instead. If the response's text does not begin with the text that was
   * written, readers are told `restarted`, and then given the whole.
   * @param end `rest` and `offset` are filled in
   * @param text of the response; '' for a failure
   * @returns once the store has it, or has refused it because the log had ended or was another attempt's
   */
  end(end: EndOf, text: string): Promise<void>;
  /**
   * Ends the log of a cancelled request, unless it has ended, for example because an api has ended it. Call it before the
   * response is published.
   * @param at ISO 8601
   * @returns the text that readers have. If the store is out of reach, the text of this attempt
   */
  stop(at: string): Promise<string>;
  /** The attempt has ended without ending the log. Resolves once what is left was written, or the store is out of reach. */
  close(): Promise<void>;
}

/** What ends a log, without the parts of the text that only the log knows. */
export type EndOf = EndEvent extends infer End ? (End extends EndEvent ? Omit<End, 'rest' | 'offset'> : never) : never;

/** What an api writes into logs. */
export interface AnswerLogKeeper {
  /** Begins the log with `queued`, unless it has begun already. @throws StoreUnavailableError */
  queued(requestId: string, deadlineAt: number): Promise<void>;
  /**
   * Ends the logs of streamed requests from outside: their user has stopped them, or they were lost. Whoever ends a log
   * first decides. A log that has not begun begins with this. Two round trips, however many logs there are; none for no log.
   * @returns for each request the type of the event that ended its log, and its text. A log that was erased, or whose user's key
   * was destroyed, is missing
   * @throws StoreUnavailableError
   */
  end(logs: readonly LogOf[], end: EndOf): Promise<Map<string, { end: AnswerEventType; text: string }>>;
  /** Removes logs, because their session was erased. Their readers are cut off. @throws StoreUnavailableError */
  erase(requestIds: readonly string[]): Promise<void>;
  /** Counts the logs that were not erased. One round trip. @throws StoreUnavailableError */
  count(requestIds: readonly string[]): Promise<number>;
  /**
   * Returns the texts of those logs of a user that are there, as readers of the whole log have them. One round trip, and one more
   * for each. @throws StoreUnavailableError, MasterKeyMissingError
   */
  texts(userId: string, requestIds: readonly string[]): AsyncIterable<{ requestId: string; text: string }>;
}

/** Reads answer logs, for an api. */
export interface AnswerLogReader {
  /**
   * Reads a log: every event after a number exactly once, in order, whichever process writes it, also after its end. A
   * log that does not exist yet is waited for, unless the request has ended.
   * @param after the number of the last event that the reader has; -1 for none
   * @param options.hasEnded the request's turn has ended, so its log exists already, or never will
   */
  read(log: LogOf, after: number, options?: { hasEnded?: boolean }): LogReading;
  /** Ends all readings, as `close` does. */
  stop(): void;
}

/**
 * One reader of a log. Use it with `for await`: each step gives the events that have come since the last one, at least
 * one. It ends after the log's last event, or once it is closed. While the store is out of reach it waits.
 *
 * It throws ReaderCutOffError:
 * - `too_slow`: too much has come since the last step. Read again after `after`.
 * - `no_log`: there is no log. The request is not streamed, or its log has expired or was erased, or its user's key was destroyed. A reader that has seen a
 *   part, or whose request has ended, is told at once. Any other is told after some seconds without a log.
 * - `log_lost`: the store has lost a part of the log that this reader has seen. Read again from the beginning.
 */
export interface LogReading extends AsyncIterable<NumberedEvent[]> {
  /** The number of the last event that a step has given. */
  readonly after: number;
  close(): void;
}

export type CutOffReason = 'too_slow' | 'no_log' | 'log_lost';

export class ReaderCutOffError extends HealifyError {
  readonly code = 'reader_cut_off';
  readonly retryable = true;
  readonly reason: CutOffReason;
  /** The number of the last event that the reader was given. */
  readonly after: number;

  constructor(reason: CutOffReason, after: number) {
    super(`A reader of an answer log was cut off: ${reason}.`);
    this.reason = reason;
    this.after = after;
  }
}
