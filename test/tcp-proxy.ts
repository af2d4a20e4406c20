import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/**
 * A proxy before a server, with which a test can take the server away. Its states, which the test sets:
 * - *open*: it passes everything on. What one side sends can be held back, so that a test can stop between a command
 *   and its reply.
 * - *cut*: it resets connections.
 * - *silent*: it accepts connections and passes nothing on.
 * - *refusing*: it answers the commands of a Redis client itself, with an error.
 */
export async function startTcpProxy(targetUrl: string) {
  let target = new URL(targetUrl);
  let mode: 'open' | 'cut' | 'silent' | 'refusing' = 'open';
  let refusal = '';
  let rewriteReply = (data: Buffer) => data;
  let accepted = 0;
  let passed = 0;
  const holding = { client: false, server: false };
  let breaking: { pieces: number; how: 'cut' | 'silent' } | undefined;
  let held: { target: Socket; data: Buffer }[] = [];
  const sockets = new Set<Socket>();
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    return socket;
  };
  const drop = () => {
    held = [];
    for (const socket of sockets) socket.destroy();
  };
  const release = () => {
    holding.client = false;
    holding.server = false;
    for (const { target, data } of held) target.write(data);
    held = [];
  };
  const pass = (from: 'client' | 'server', source: Socket, target: Socket, isSilent: () => boolean) => {
    source.on('data', (data) => {
      if (mode !== 'open' || isSilent()) return;
      if (holding[from]) {
        held.push({ target, data });
        return;
      }
      if (from === 'client') passed += 1;
      target.write(from === 'server' ? rewriteReply(data) : data);
    });
    source.on('close', () => {
      // What was held back for a connection that has ended is dropped.
      held = held.filter((entry) => entry.target !== target);
      target.destroy();
    });
  };

  const server = createServer((near) => {
    keep(near);
    accepted += 1;
    if (mode === 'cut') return void near.resetAndDestroy();
    if (mode === 'silent') return;
    const far = keep(connect(Number(target.port), target.hostname));
    const broken = breaking;
    breaking = undefined;
    let pieces = 0;
    const countCommands = createCommandCounter();
    near.on('data', (data) => {
      const commands = countCommands(data);
      if (mode === 'refusing') near.write(refusal.repeat(commands));
    });
    near.on('data', () => {
      pieces += 1;
      if (broken?.how === 'cut' && pieces === broken.pieces) near.destroy();
    });
    const isSilent = () => broken?.how === 'silent' && pieces >= broken.pieces;
    pass('client', near, far, isSilent);
    pass('server', far, near, isSilent);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(targetUrl);
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as AddressInfo).port);

  return {
    url: url.href,
    /** Connections it has taken so far, in whatever mode. */
    get accepted() {
      return accepted;
    },
    /** Pieces of what clients have sent that it has passed on. */
    get passed() {
      return passed;
    },
    /** Cuts all connections. New ones lead to another server. */
    leadTo: (otherUrl: string) => {
      target = new URL(otherUrl);
      mode = 'open';
      drop();
    },
    cut: () => {
      mode = 'cut';
      drop();
    },
    silence: () => {
      mode = 'silent';
    },
    /** Answers every command of a Redis client with this error from now on, and passes none on. */
    refuse: (error: string) => {
      refusal = `-${error}\r\n`;
      mode = 'refusing';
    },
    /** Passes everything on as before, to the connections that stand. */
    accept: () => {
      mode = 'open';
    },
    /** Changes what the server says from now on. */
    rewrite: (change: (text: string) => string) => {
      rewriteReply = (data) => Buffer.from(change(data.toString('latin1')), 'latin1');
    },
    /**
     * The next connection is cut, or falls silent, when its client sends its nth piece. That piece is not passed on.
     */
    breakNext: (pieces: number, how: 'cut' | 'silent') => {
      breaking = { pieces, how };
    },
    open: () => {
      // These connections have lost bytes while the proxy was silent, so they cannot go on.
      drop();
      release();
      mode = 'open';
    },
    /** Holds back what clients send from now on; what the server sends still passes. */
    holdFromClient: () => {
      holding.client = true;
    },
    /** Holds back what the server sends from now on; what clients send still passes. */
    holdFromServer: () => {
      holding.server = true;
    },
    /** Passes on what was held back, and what comes. */
    release,
    stop: async () => {
      drop();
      server.close();
      await once(server, 'close');
    },
  };
}

export type TcpProxy = Awaited<ReturnType<typeof startTcpProxy>>;

/** Counts how many commands of the Redis protocol end in each piece of what a client sends. */
function createCommandCounter(): (data: Buffer) => number {
  let rest = Buffer.alloc(0);
  return (data) => {
    rest = Buffer.concat([rest, data]);
    let commands = 0;
    for (let end = endOfCommand(rest); end > 0; end = endOfCommand(rest)) {
      rest = rest.subarray(end);
      commands += 1;
    }
    return commands;
  };
}

/** Where the first command ends, an array of strings with their lengths before them; 0 if it is not whole. */
function endOfCommand(data: Buffer): number {
  const lengthAt = (at: number) => {
    const end = data.indexOf('\r\n', at);
    return end < 0 ? undefined : { value: Number(data.toString('latin1', at + 1, end)), next: end + 2 };
  };
  const count = lengthAt(0);
  if (!count) return 0;
  let at = count.next;
  for (let index = 0; index < count.value; index++) {
    const length = lengthAt(at);
    if (!length) return 0;
    at = length.next + length.value + 2;
  }
  return at <= data.length ? at : 0;
}
