import { once } from 'node:events';
import type { Response } from 'express';
import { ApiError } from '../../contracts/errors.ts';
import type { CutOffEvent, StreamEvent } from '../../contracts/http/realtime-bodies.ts';
import { limits } from '../../contracts/limits.ts';

/** Proxies close a connection that is silent for longer. */
const HEARTBEAT_MS = 15_000;
/** How long the readers of a process that stops wait before they connect to another one. */
const RECONNECT_MS = { least: 500, most: 3_000 };
/** A reader that takes nothing for so long is disconnected. */
const STALLED_MS = 30_000;

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

export interface EventStreams {
  /**
   * Takes a place for a stream, which is free again once the reply is over.
   * @throws ApiError stopping, too_many_streams
   */
  open(res: Response, userId: string): EventStream;
  /** Tells all readers to connect again, and ends their streams. From then on, none is opened. */
  stop(): void;
}

/**
 * Opens streams of server-sent events, and keeps them alive with heartbeats.
 *
 * A stream is *open* at first. It is *begun* once its reply has begun, until its caller ends it, its reader disconnects or
 * the process stops. Then it is *ended* for good. While its reader takes nothing, it is *full*: no heartbeat is added, and
 * `send` does not resolve. A stream that is full for too long is disconnected.
 * @param options.onCount called with the number of open streams whenever it changes
 * @param options.onCutOff called when a reader is cut off
 */
export function createEventStreams(options: {
  onCount: (open: number) => void;
  onCutOff: (reason: CutOffEvent['reason']) => void;
}): EventStreams {
  const { onCount, onCutOff } = options;
  const streams = new Set<Response>();
  const perUser = new Map<string, number>();
  let stopping = false;

  const count = (userId: string, change: number) => {
    const open = (perUser.get(userId) ?? 0) + change;
    if (open === 0) perUser.delete(userId);
    else perUser.set(userId, open);
    onCount(streams.size);
  };

  function end(res: Response, last = ''): void {
    if (!res.writableEnded) res.end(stopping ? `${last}${retry()}` : last);
  }

  function begin(res: Response): void {
    if (res.headersSent) return;
    // `no-transform` keeps proxies from compressing, and the next header keeps nginx from buffering.
    res.set({
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-cache, no-transform',
      'X-Accel-Buffering': 'no',
    });
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
    }, STALLED_MS).unref();
    res.once('close', giveUp);
    await once(res, 'drain', { signal: waiting.signal }).catch(() => {});
    res.off('close', giveUp);
    clearTimeout(stalled);
  }

  return {
    open: (res, userId) => {
      if (stopping) throw new ApiError('stopping', { retryAfterSeconds: 1 });
      if ((perUser.get(userId) ?? 0) >= limits.streamsPerUser) {
        throw new ApiError('too_many_streams', { retryAfterSeconds: 1 });
      }
      streams.add(res);
      count(userId, 1);
      res.once('close', () => {
        streams.delete(res);
        count(userId, -1);
      });
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
    stop: () => {
      stopping = true;
      for (const res of streams) if (res.headersSent) end(res);
    },
  };
}

/** Spreads the readers, so that they do not all come to the next process at once. */
function retry(): string {
  const { least, most } = RECONNECT_MS;
  return `retry: ${Math.round(least + Math.random() * (most - least))}\n\n`;
}

function textOf(event: StreamEvent, id: string | undefined): string {
  const idLine = id === undefined ? '' : `id: ${oneLine(id)}\n`;
  return `${idLine}event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}

/** A line break would begin another field. JSON has none. */
const oneLine = (text: string) => text.replace(/[\r\n]/g, ' ');
