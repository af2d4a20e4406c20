import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/**
 * Stands between us and a server, so that a test can take the server away: *open* it passes everything on, *cut* it
 * resets connections, *silent* it takes them and passes nothing on. While it is open, what one side sends can be held
 * back, so that a test can stop between a command and its reply.
 */
export async function startTcpProxy(targetUrl: string) {
  const target = new URL(targetUrl);
  let mode: 'open' | 'cut' | 'silent' = 'open';
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
      target.write(data);
    });
    source.on('close', () => {
      // What is held back of a connection that has ended never arrives.
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
    cut: () => {
      mode = 'cut';
      drop();
    },
    silence: () => {
      mode = 'silent';
    },
    /** Lets the next connection be cut, or fall silent, as its client sends so many pieces: the last is not passed on. */
    breakNext: (pieces: number, how: 'cut' | 'silent') => {
      breaking = { pieces, how };
    },
    open: () => {
      // What was swallowed is missing from the streams: they cannot go on.
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
