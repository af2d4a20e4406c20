import type { AnswerEvent } from '../contracts/answer-events.ts';
import { ChatError } from './errors.ts';
import type { Http } from './http.ts';
import { network } from './pause.ts';
import { createEventParser, type ServerSentEvent } from './server-sent-events.ts';

/** What a connection brings. */
export type Arrival =
  | { type: 'open' }
  /** `number` is undefined for an event that comes from no log. */
  | { type: 'event'; number: number | undefined; event: AnswerEvent }
  /** The server cannot serve this reader any longer. docs/protocol.md has the reasons. */
  | { type: 'cut-off'; reason: string }
  /** The server asks to wait so long before the next connection. */
  | { type: 'retry'; ms: number }
  /** There is nothing after this number, and nothing will come. */
  | { type: 'nothing-left' };

/** The server sends something at least every 15 s. After this time without anything, the connection is dead. */
export const SILENCE_MS = 40_000;

export interface ReadOptions {
  /** Ends the reading. */
  signal?: AbortSignal | undefined;
  silenceMs?: number | undefined;
}

/**
 * Reads one connection of server-sent events, until it ends. The connection is closed when the caller stops reading.
 * @param after the number of the last event that the caller has; -1 for none
 * @throws ChatError `connection_failed` if the connection breaks off
 */
export async function* readConnection(
  http: Http,
  path: string,
  after: number,
  options: ReadOptions = {},
): AsyncGenerator<Arrival, void> {
  const { signal, silenceMs = SILENCE_MS } = options;
  const silence = new AbortController();
  const both = signal ? AbortSignal.any([signal, silence.signal]) : silence.signal;
  const giveUp = () => silence.abort();
  // What was connected over a network that is gone would be silent until we give up.
  network.addEventListener?.('offline', giveUp);
  let timer = setTimeout(giveUp, silenceMs);
  const heard = () => {
    clearTimeout(timer);
    timer = setTimeout(giveUp, silenceMs);
  };
  try {
    const headers = { accept: 'text/event-stream', ...(after >= 0 && { 'last-event-id': String(after) }) };
    const reply = await http.open('GET', path, { headers, signal: both });
    if (reply.status === 204) {
      yield { type: 'nothing-left' };
      return;
    }
    if (!reply.body) return;
    heard();
    yield { type: 'open' };
    let arrivals: Arrival[] = [];
    const parse = createEventParser({
      onEvent: (event) => arrivals.push(arrivalOf(event)),
      onRetry: (ms) => arrivals.push({ type: 'retry', ms }),
    });
    const decoder = new TextDecoder();
    const reader = reply.body.getReader();
    for (let step = await reader.read(); !step.done; step = await reader.read()) {
      heard();
      parse(decoder.decode(step.value, { stream: true }));
      yield* arrivals;
      arrivals = [];
      // The caller may have taken its time.
      heard();
    }
  } catch (cause) {
    signal?.throwIfAborted();
    if (cause instanceof ChatError) throw cause;
    throw new ChatError('connection_failed', 'The connection was lost.', { cause });
  } finally {
    clearTimeout(timer);
    network.removeEventListener?.('offline', giveUp);
    silence.abort();
  }
}

function arrivalOf({ id, event, data }: ServerSentEvent): Arrival {
  const number = id !== undefined && /^\d+$/.test(id) ? Number(id) : undefined;
  try {
    if (event === 'cut_off')
      return { type: 'cut-off', reason: String((JSON.parse(data) as { reason?: unknown }).reason) };
    return { type: 'event', number, event: JSON.parse(data) as AnswerEvent };
  } catch (cause) {
    throw new ChatError('connection_failed', 'The connection has brought something that is no event.', { cause });
  }
}
