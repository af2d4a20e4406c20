import { WebSocket } from 'ws';
import type { ServerMessage } from '../../../contracts/http/socket-messages.ts';

/** While more than this waits to be sent, nothing is added. */
const MAX_WAITING_BYTES = 64 * 1024;

export interface Outbox {
  /** Whether the reader has to take something before more is sent. */
  readonly full: boolean;
  /** Sends a message once there is room. A connection that closes drops it. */
  send(message: ServerMessage): Promise<void>;
}

/**
 * What a WebSocket sends. So at most one message and 64 kB wait for a slow reader, however many subscriptions it has.
 *
 * It is *open* while there is room. It is *full* while there is none, and then messages wait, in order. If it is full for too
 * long, and the reader has taken nothing, `onStalled` is called.
 */
export function createOutbox(
  socket: WebSocket,
  { stalledMs, onStalled }: { stalledMs: number; onStalled: () => void },
): Outbox {
  let waiting: (() => void)[] = [];
  let stalled: NodeJS.Timeout | undefined;
  const isFull = () => socket.readyState === WebSocket.OPEN && socket.bufferedAmount > MAX_WAITING_BYTES;

  function lookAgain(): void {
    clearTimeout(stalled);
    stalled = undefined;
    const resolveAll = waiting;
    waiting = [];
    for (const resolve of resolveAll) resolve();
  }

  const room = () =>
    new Promise<void>((resolve) => {
      waiting.push(resolve);
      stalled ??= setTimeout(onStalled, stalledMs).unref();
    });

  socket.once('close', lookAgain);
  return {
    get full() {
      return isFull();
    },
    send: async (message) => {
      while (isFull()) await room();
      // The connection may have closed meanwhile.
      if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message), lookAgain);
    },
  };
}
