import { once } from 'node:events';
import type { Response } from 'express';
import { ApiError } from '../../contracts/errors.ts';
import type { CutOffEvent, StreamEvent } from '../../contracts/http/realtime-bodies.ts';
import { endsOf } from '../auth/all-logins.ts';
import type { AnswerReader } from './follow-answer.ts';
import type { StreamPlaces } from './stream-places.ts';

/** Proxies close a connection that is silent for longer. */
const HEARTBEAT_MS = 15_000;
/** How long the readers of a process that stops wait before they connect to another one. */
const RECONNECT_MS = { least: 500, most: 3_000 };
/** They have texts, so nobody keeps them. `no-transform` keeps proxies from compressing, and the last header keeps nginx from buffering. */
export const EVENT_STREAM_HEADERS = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  'Cache-Control': 'no-store, no-transform',
  'X-Accel-Buffering': 'no',
};
/** A reader that takes nothing for so long is disconnected. */
export const STALLED_MS = 30_000;

/** A reply that is a stream of server-sent events. */
export interface EventStream {
  /** Begins the reply, unless it has begun. Until then, the request can be answered in another way. */
  begin(): void;
  /**
   * Sends an event. Resolves once the reader has room for more.
   * @param id from which a reader resumes; undefined if it cannot
   */
  send(event: StreamEvent, id?: string): Promise<void>;
  /** Tells the reader why it is not served any longer, and ends the reply. */
  cutOff(reason: CutOffEvent['reason']): void;
  /** Ends the reply. */
  end(): void;
}

/** Whose stream it is. */
export interface StreamOwner {
  userId: string;
  /** undefined: the token belongs to no login that can end */
  loginId?: string | undefined;
}

export interface EventStreams {
  /**
   * Takes a place for a stream, which is free again once the reply is over.
   * @throws ApiError stopping, unauthenticated, too_many_streams
   */
  open(res: Response, owner: StreamOwner): EventStream;
  /** A login has ended, or all of a user, and so do the streams that were opened with its tokens. */
  endLogin(loginId: string): void;
  /** Tells all readers to connect again, and ends their streams. From then on, none is opened. */
  stop(): void;
}

/**
 * Opens streams of server-sent events, and keeps them alive with heartbeats.
 *
 * A stream is *open* at first. It is *begun* once its reply has begun, until its caller ends it, its reader disconnects or
 * the process stops. Then it is *ended* for good. While its reader takes nothing, it is *full*: no heartbeat is added, and
 * `send` does not resolve. A stream that is full for too long is disconnected.
 * @param options.hasEnded whether a login has ended, although its tokens have not expired
 * @param options.onCutOff called when a reader is cut off
 * @param options.stalledMs how long a stream may be full
 */
export function createEventStreams(options: {
  places: StreamPlaces;
  hasEnded: (loginId: string) => boolean;
  onCutOff: (reason: CutOffEvent['reason']) => void;
  stalledMs?: number;
}): EventStreams {
  const { places, hasEnded, onCutOff, stalledMs = STALLED_MS } = options;
  /** The streams, and whose they are. */
  const streams = new Map<Response, StreamOwner>();
  let stopping = false;

  function end(res: Response, last = ''): void {
    if (!res.writableEnded) res.end(stopping ? `${last}retry: ${reconnectInMs()}\n\n` : last);
  }

  function begin(res: Response): void {
    if (res.headersSent || res.closed) return;
    res.set(EVENT_STREAM_HEADERS);
    res.locals.streamBeganAt = performance.now();
    // Some clients report the stream as open only after its first byte.
    res.write(': open\n\n');
    const heartbeat = setInterval(() => {
      if (!res.writableNeedDrain && !res.writableEnded) res.write(': still here\n\n');
    }, HEARTBEAT_MS).unref();
    res.once('close', () => clearInterval(heartbeat));
  }

  async function write(res: Response, text: string): Promise<void> {
    if (res.writableEnded || res.destroyed || res.write(text)) return;
    const waiting = new AbortController();
    const giveUp = () => waiting.abort();
    const stalled = setTimeout(() => {
      onCutOff('too_slow');
      res.destroy();
    }, stalledMs).unref();
    res.once('close', giveUp);
    await once(res, 'drain', { signal: waiting.signal }).catch(() => {});
    res.off('close', giveUp);
    clearTimeout(stalled);
  }

  function takePlace(res: Response, owner: StreamOwner): void {
    const giveBack = places.take(owner.userId, 'sse');
    streams.set(res, owner);
    res.once('close', () => {
      streams.delete(res);
      giveBack();
    });
  }

  return {
    open: (res, owner) => {
      if (stopping) throw new ApiError('stopping', { retryAfterSeconds: 1 });
      // It may have ended since the token was checked.
      if (endsOf(owner).some(hasEnded)) throw new ApiError('unauthenticated');
      // A reader that has gone already takes no place, because nothing would give it back.
      if (!res.closed) takePlace(res, owner);
      return {
        begin: () => begin(res),
        send: (event, id) => write(res, textOf(event, id)),
        cutOff: (reason) => {
          onCutOff(reason);
          // A browser that connects again by itself repeats the last id, so it must forget it to begin again.
          const id = reason === 'log_lost' ? '' : undefined;
          end(res, textOf({ type: 'cut_off', reason }, id));
        },
        end: () => end(res),
      };
    },
    endLogin: (loginId) => {
      for (const [res, owner] of streams) {
        if (!endsOf(owner).includes(loginId)) continue;
        if (res.headersSent) end(res);
        else res.destroy();
      }
    },
    stop: () => {
      stopping = true;
      for (const res of streams.keys()) if (res.headersSent) end(res);
    },
  };
}

/** Spreads the readers of a process that stops, so that they do not all come to the next one at once. */
export function reconnectInMs(): number {
  const { least, most } = RECONNECT_MS;
  return Math.round(least + Math.random() * (most - least));
}

/** @param idOf the id of an event on the wire */
export const readerOf = (stream: EventStream, idOf: (number: number) => string): AnswerReader => ({
  ...stream,
  send: (event, number) => stream.send(event, number === undefined ? undefined : idOf(number)),
});

function textOf(event: StreamEvent, id: string | undefined): string {
  const idLine = id === undefined ? '' : `id: ${oneLine(id)}\n`;
  return `${idLine}event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}

/** A line break would begin another field. JSON has none. */
const oneLine = (text: string) => text.replace(/[\r\n]/g, ' ');
