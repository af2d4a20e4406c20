import type { NumberedEvent } from '../contracts/answer-events.ts';
import { isEnd } from '../contracts/answer-text.ts';
import { ChatError } from './errors.ts';
import type { Arrival, ReadOptions } from './event-connection.ts';
import { backoffMs, pause } from './pause.ts';

/** Whether the events of an answer arrive at the moment. `failures`: how many connections in a row have brought none. */
export type Connection = { state: 'open' } | { state: 'waiting'; failures: number; retryInMs: number };

export interface StreamOptions {
  /** The number of the last event that the caller has. Left out: from the beginning. */
  after?: number;
  /** Ends the reading. It stops nothing else. */
  signal?: AbortSignal;
  onConnection?: (connection: Connection) => void;
  /** After so long without anything, a connection is taken for dead. Left out: 40 s, which outlasts two heartbeats. */
  silenceMs?: number;
}

/** Reads the events of an answer after a number over one connection, until that ends. @throws ChatError */
export type Connect = (after: number, options: ReadOptions) => AsyncIterable<Arrival>;

/**
 * Reads the events of an answer: each exactly once, in order, until its end. It resumes by itself after a lost
 * connection, for as long as the caller reads on. It has these states:
 * - *open*: a connection brings events
 * - *waiting*: the connection was lost. The next one begins after a pause, which is longer after each failure
 * - *ended*: the last event has come, the caller has stopped, or the api has refused for good
 *
 * @throws ChatError if the api refuses for good, for example `not_found`
 */
export async function* readAnswer(connect: Connect, options: StreamOptions = {}): AsyncGenerator<NumberedEvent, void> {
  const { signal, onConnection = () => {}, silenceMs } = options;
  let after = options.after ?? -1;
  let failures = 0;

  for (;;) {
    let serverPauseMs = 0;
    try {
      for await (const arrival of connect(after, { signal, silenceMs })) {
        if (arrival.type === 'nothing-left') return;
        if (arrival.type === 'open') {
          onConnection({ state: 'open' });
        } else if (arrival.type === 'retry') {
          serverPauseMs = arrival.ms;
        } else if (arrival.type === 'cut-off') {
          if (arrival.reason !== 'log_lost') break;
          // A part of what the caller has is gone from the log, so the text begins again.
          yield { number: after, event: { type: 'restarted', at: new Date().toISOString() } };
          after = -1;
          break;
        } else {
          // An event without a number says how the turn has ended, where there is no log any more.
          const { number = after + 1, event } = arrival;
          if (number <= after) continue;
          failures = 0;
          after = number;
          yield { number, event };
          if (isEnd(event)) return;
        }
      }
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof ChatError) || !error.retryable) throw error;
      serverPauseMs = error.retryAfterMs ?? serverPauseMs;
    }
    signal?.throwIfAborted();
    failures += 1;
    const retryInMs = Math.max(backoffMs(failures), serverPauseMs);
    onConnection({ state: 'waiting', failures, retryInMs });
    await pause(retryInMs, signal);
  }
}
