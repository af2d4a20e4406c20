import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

const HOST = '127.0.0.1';

/** A proxy before a port of 127.0.0.1. */
export interface Door {
  readonly port: number;
  /** Asks of each connection whether it is cut now. */
  look(): void;
}

interface Connection {
  /** @param isCut whether nothing may pass now, not even an end */
  set(isCut: boolean): void;
}

/**
 * Opens a door. What is sent over a connection while it is cut passes later. A connection that is made during a cut ends with
 * the cut.
 * @param options.isCut whether connections from this address are cut now
 */
export async function openDoor(options: {
  port: number;
  to: number;
  isCut: (address: string) => boolean;
}): Promise<Door> {
  const { port, to, isCut } = options;
  const connections = new Map<Connection, string>();
  const server = createServer({ noDelay: true }, (near) => {
    const address = near.remoteAddress ?? '';
    const connection = isCut(address) ? heldConnection(near) : openConnection(near, to);
    connections.set(connection, address);
    near.on('close', () => connections.delete(connection));
  });
  server.listen(port, HOST);
  await once(server, 'listening');
  return {
    port,
    look: () => {
      for (const [connection, address] of [...connections]) connection.set(isCut(address));
    },
  };
}

function heldConnection(near: Socket): Connection {
  near.on('error', () => {});
  return {
    set: (isCut) => {
      if (!isCut) near.destroy();
    },
  };
}

function openConnection(near: Socket, to: number): Connection {
  const far = connect({ port: to, host: HOST, noDelay: true });
  const ends = [
    [near, far],
    [far, near],
  ] as const;
  for (const [from, other] of ends) {
    from.on('error', () => {});
    from.on('data', (data) => other.write(data));
    from.on('close', () => other.end());
  }
  return {
    // While an end is paused, we do not notice either that it was closed.
    set: (isCut) => {
      for (const end of [near, far]) isCut ? end.pause() : end.resume();
    },
  };
}
