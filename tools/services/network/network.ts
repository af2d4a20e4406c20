import { Worker } from 'node:worker_threads';
import { freePort } from '../free-port.ts';
import type { CutOffFrom, Order, Reply } from './orders.ts';

/**
 * A network of servers on this machine, which can be cut without any right of the system. Others reach a server through a
 * door, a proxy on a port of its own. A server connects from an address of its own, so a door knows who knocks. Everybody
 * else counts as a client. Only Linux has these addresses (127.0.1.1 and the next) without being told.
 *
 * A cut loses nothing that was sent. It is held back, as TCP does until the network is there again. Only a new connection
 * differs: it is accepted, and then nothing comes.
 *
 * The doors are in a thread of their own, so that they are not slow when this one has much to do.
 */
export interface Network {
  /** The address from which a server must connect to others. */
  addressOf(server: string): string;
  /** Opens a door to a port of a server, once. Returns the door's port. */
  doorTo(server: string, port: number): Promise<number>;
  /** Cuts a server off, until `heal`. */
  cutOff(server: string, from: CutOffFrom): Promise<void>;
  /** Ends the cut. */
  heal(): Promise<void>;
  close(): Promise<void>;
}

export function createNetwork(): Network {
  const thread = new Worker(new URL('./doors.ts', import.meta.url));
  const servers: string[] = [];
  const doors = new Map<string, Promise<number>>();
  const waiting = new Map<number, () => void>();
  let orders = 0;
  let failure: Error | undefined;
  thread.on('message', ({ id }: Reply) => {
    waiting.get(id)?.();
    waiting.delete(id);
  });
  thread.on('error', (error) => {
    failure = error;
    for (const goOn of waiting.values()) goOn();
  });

  async function obey(order: Order): Promise<void> {
    const id = orders++;
    const done = new Promise<void>((resolve) => waiting.set(id, resolve));
    thread.postMessage({ id, order });
    await done;
    if (failure) throw failure;
  }

  async function openDoor(server: string, to: number): Promise<number> {
    const port = await freePort();
    await obey({ kind: 'open', server, port, to });
    return port;
  }

  const addressOf = (server: string) => {
    if (!servers.includes(server)) servers.push(server);
    return `127.0.1.${servers.indexOf(server) + 1}`;
  };
  return {
    addressOf,
    doorTo: (server, port) => {
      const name = `${server} ${port}`;
      const door = doors.get(name) ?? openDoor(server, port);
      doors.set(name, door);
      return door;
    },
    cutOff: (server, from) => obey({ kind: 'cut', server, address: addressOf(server), from }),
    heal: () => obey({ kind: 'heal' }),
    close: async () => void (await thread.terminate()),
  };
}
