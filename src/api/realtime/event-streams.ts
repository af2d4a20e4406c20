import { once } from 'node:events';
import type { Response } from 'express';
import type { AnswerEvent } from '../../contracts/answer-events.ts';
import { ApiError } from '../../contracts/errors.ts';
import { limits } from '../../contracts/limits.ts';

/** Proxies close a connection that is silent for longer. */
const HEARTBEAT_MS = 15_000;
/** How long the readers of a process that stops wait before they connect to another one. */
const RECONNECT_MS = { least: 500, most: 3_000 };

/** A reply that is a stream of server-sent events. */
export interface EventStream {
  /**
   * Sends an event. Resolves once the reader has room for more.
   * @param number of the event in its log; undefined if it comes from no log
   */
  send(event: AnswerEvent, number?: number): Promise<void>;
  /** Ends the reply. */
  end(): void;
}

export interface EventStreams {
  /**
   * Begins a reply.
   * @throws ApiError stopping, too_many_streams
   */
  begin(res: Response, userId: string): EventStream;
  /** Tells all readers to connect again, and ends their streams. From then on, none begins. */
  stop(): void;
}

/**
 * Begins streams of server-sent events, and keeps them alive with heartbeats.
 *
 * A stream is *open* until its caller ends it, its reader disconnects, or the process stops. Then it is *ended* for good.
 * While its reader takes nothing, it is *full*: no heartbeat is added, and `send` does not resolve.
 * @param options.onCount called with the number of open streams whenever it changes
 */
export function createEventStreams({ onCount }: { onCount: (open: number) => void }): EventStreams {
  const streams = new Set<Response>();
  const perUser = new Map<string, number>();
  let stopping = false;

  const count = (userId: string, change: number) => {
    const open = (perUser.get(userId) ?? 0) + change;
    if (open === 0) perUser.delete(userId);
    else perUser.set(userId, open);
  };

  return {
    begin: (res, userId) => {
      if (stopping) throw new ApiError('stopping', { retryAfterSeconds: 1 });
      if ((perUser.get(userId) ?? 0) >= limits.streamsPerUser) {
        throw new ApiError('too_many_streams', { retryAfterSeconds: 1 });
      }
      streams.add(res);
      count(userId, 1);
      onCount(streams.size);
      const heartbeat = setInterval(() => {
        if (!res.writableNeedDrain && !res.writableEnded) res.write(': still here\n\n');
      }, HEARTBEAT_MS).unref();
      res.once('close', () => {
        clearInterval(heartbeat);
        streams.delete(res);
        count(userId, -1);
        onCount(streams.size);
      });
      // `no-transform` keeps proxies from compressing, and the next header keeps nginx from buffering.
      res.set({
        'Content-Type': 'text/event-stream; charset=utf-8',
        'Cache-Control': 'no-cache, no-transform',
        'X-Accel-Buffering': 'no',
      });
      // Some clients report the stream as open only after its first byte.
      res.write(': open\n\n');
      return {
        send: async (event, number) => {
          if (res.writableEnded || res.destroyed || res.write(textOf(event, number))) return;
          const closed = new AbortController();
          const onClose = () => closed.abort();
          res.once('close', onClose);
          await once(res, 'drain', { signal: closed.signal }).catch(() => {});
          res.off('close', onClose);
        },
        end: () => void res.end(),
      };
    },
    stop: () => {
      stopping = true;
      for (const res of streams) res.end(`retry: ${reconnectMs()}\n\n`);
    },
  };
}

/** Spreads the readers, so that they do not all come to the next process at once. */
const reconnectMs = () => Math.round(RECONNECT_MS.least + Math.random() * (RECONNECT_MS.most - RECONNECT_MS.least));

function textOf(event: AnswerEvent, number: number | undefined): string {
  const id = number === undefined ? '' : `id: ${number}\n`;
  return `${id}event: ${oneLine(event.type)}\ndata: ${oneLine(JSON.stringify(event))}\n\n`;
}

/** A line break would begin another field. JSON has none, and neither has a type of ours. */
const oneLine = (text: string) => text.replace(/[\r\n]/g, ' ');
