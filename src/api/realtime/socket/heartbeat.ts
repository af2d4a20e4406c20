import { WebSocket } from 'ws';

/** As often as comments come over server-sent events. */
const HEARTBEAT_MS = 15_000;

/**
 * Finds connections whose peers are gone without a word. A connection that is silent for a whole interval, although it was
 * sent a ping, is *dead*.
 */
export interface Heartbeat {
  /**
   * Watches a connection until it closes.
   * @param isFull a reader that takes nothing cannot answer either; how long it may do so is decided elsewhere
   * @param onDead called instead of closing it
   */
  watch(socket: WebSocket, isFull: () => boolean, onDead: () => void): void;
  stop(): void;
}

export function createHeartbeat(everyMs = HEARTBEAT_MS): Heartbeat {
  const beats = new Map<WebSocket, () => void>();
  const timer = setInterval(() => {
    for (const beat of beats.values()) beat();
  }, everyMs).unref();

  return {
    watch: (socket, isFull, onDead) => {
      let heard = true;
      const hear = () => {
        heard = true;
      };
      for (const sign of ['message', 'ping', 'pong'] as const) socket.on(sign, hear);
      beats.set(socket, () => {
        if (isFull() || socket.readyState !== WebSocket.OPEN) return;
        if (!heard) {
          onDead();
          return;
        }
        heard = false;
        socket.ping();
      });
      socket.once('close', () => beats.delete(socket));
    },
    stop: () => clearInterval(timer),
  };
}
