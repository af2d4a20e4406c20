import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import type { Network } from './network.ts';

const ALIVE2_REQ = 120;
const ALIVE2_X_RESP = 118;
const PORT_PLEASE2_REQ = 122;
const PORT2_RESP = 119;
const NAMES_REQ = 110;
const NODE = { type: 77, protocol: 0, highestVersion: 6, lowestVersion: 5 };

/**
 * Starts what epmd is for Erlang nodes, the directory of their ports. It tells the ports of their doors in a network, so
 * that nodes reach each other through these. The protocol: https://www.erlang.org/doc/apps/erts/erl_dist_protocol
 */
export async function startEpmdOf(network: Network, port: number): Promise<{ kill(): void }> {
  /** The ports of the nodes that run, by name. */
  const nodes = new Map<string, number>();
  const sockets = new Set<Socket>();
  let creation = 0;

  async function answer(request: Buffer, socket: Socket): Promise<void> {
    const kind = request[0];
    if (kind === ALIVE2_REQ) {
      // Port (2 bytes), type, protocol, versions (2 and 2), length of the name (2), name.
      const name = request.toString('utf8', 11, 11 + request.readUInt16BE(9));
      nodes.set(name, await network.doorTo(name, request.readUInt16BE(1)));
      // The node has ended when it closes this connection.
      socket.on('close', () => nodes.delete(name));
      const reply = Buffer.from([ALIVE2_X_RESP, 0, 0, 0, 0, 0]);
      creation += 1;
      reply.writeUInt32BE(creation, 2);
      socket.write(reply);
    } else if (kind === PORT_PLEASE2_REQ) {
      const name = request.toString('utf8', 1);
      socket.end(portReply(name, nodes.get(name)));
    } else if (kind === NAMES_REQ) {
      const head = Buffer.alloc(4);
      head.writeUInt32BE(port);
      const lines = [...nodes].map(([name, itsPort]) => `name ${name} at port ${itsPort}\n`);
      socket.end(Buffer.concat([head, Buffer.from(lines.join(''))]));
    } else socket.destroy();
  }

  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    let received = Buffer.alloc(0);
    socket.on('data', (data) => {
      received = Buffer.concat([received, data]);
      const end = received.length < 2 ? Number.POSITIVE_INFINITY : 2 + received.readUInt16BE(0);
      if (received.length < end) return;
      const request = received.subarray(2, end);
      received = received.subarray(end);
      void answer(request, socket);
    });
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    kill: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

function portReply(name: string, port: number | undefined): Buffer {
  if (port === undefined) return Buffer.from([PORT2_RESP, 1]);
  const nameBytes = Buffer.from(name);
  const reply = Buffer.alloc(14 + nameBytes.length);
  reply[0] = PORT2_RESP;
  reply.writeUInt16BE(port, 2);
  reply[4] = NODE.type;
  reply[5] = NODE.protocol;
  reply.writeUInt16BE(NODE.highestVersion, 6);
  reply.writeUInt16BE(NODE.lowestVersion, 8);
  reply.writeUInt16BE(nameBytes.length, 10);
  nameBytes.copy(reply, 12);
  return reply;
}
