import { freePort } from '../free-port.ts';
import { type Door, openDoor } from './door.ts';

/** Who cannot reach a server that is cut off, and whom it cannot reach: the other servers, or everybody. */
export type CutOffFrom = 'servers' | 'everybody';

/**
 * A network of servers on this machine, which can be cut without any right of the system. Others reach a server through a
 * door, a proxy on a port of its own. A server connects from an address of its own, so a door knows who knocks. Everybody
 * else counts as a client. Only Linux has these addresses (127.0.1.1 and the next) without being told.
 *
 * A cut loses nothing that was sent. It is held back, as TCP does until the network is there again. Only a new connection
 * differs: it is accepted, and then nothing comes.
 */
export interface Network {
  /** The address from which a server must connect to others. */
  addressOf(server: string): string;
  /** Opens a door to a port of a server, once. Returns the door's port. */
  doorTo(server: string, port: number): Promise<number>;
  /** Cuts a server off, until `heal`. */
  cutOff(server: string, from: CutOffFrom): void;
  /** Ends all cuts. */
  heal(): void;
  close(): void;
}

export function createNetwork(): Network {
  const servers: string[] = [];
  const doors = new Map<string, Door>();
  let cut: { server: string; from: CutOffFrom } | undefined;
  const addressOf = (server: string) => {
    if (!servers.includes(server)) servers.push(server);
    return `127.0.1.${servers.indexOf(server) + 1}`;
  };
  /** @param from the server at this address; undefined: a client */
  const isCut = (from: string | undefined, to: string) => {
    if (!cut) return false;
    if (from === undefined) return cut.from === 'everybody' && cut.server === to;
    return from !== to && (cut.server === from || cut.server === to);
  };
  const tellDoors = () => {
    for (const door of doors.values()) door.look();
  };
  return {
    addressOf,
    doorTo: async (server, port) => {
      const name = `${server} ${port}`;
      const known = doors.get(name);
      if (known) return known.port;
      const serverAt = (address: string) => servers.find((each) => addressOf(each) === address);
      const door = await openDoor({
        port: await freePort(),
        to: port,
        isCut: (address) => isCut(serverAt(address), server),
      });
      doors.set(name, door);
      return door.port;
    },
    cutOff: (server, from) => {
      cut = { server, from };
      tellDoors();
    },
    heal: () => {
      cut = undefined;
      tellDoors();
    },
    close: () => {
      for (const door of doors.values()) door.close();
    },
  };
}
