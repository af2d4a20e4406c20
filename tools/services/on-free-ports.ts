import { canListen, freePort } from './free-port.ts';

const MOST_TRIES = 3;

/**
 * Starts a server on ports that are free now. If another program takes one of them before the server listens, starts the
 * server again on other ports.
 * @param start rejects if the server could not start, and leaves nothing of it running
 */
export async function onFreePorts<T>(count: number, start: (ports: number[]) => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    const ports: number[] = [];
    while (ports.length < count) ports.push(await freePort());
    try {
      return await start(ports);
    } catch (error) {
      const free = await Promise.all(ports.map((port) => canListen(port, '127.0.0.1')));
      if (tries === MOST_TRIES || free.every((isFree) => isFree)) throw error;
    }
  }
}
