import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/**
 * Stands between us and a server, so that a test can take the server away: *open* it passes everything on, *cut* it
 * resets connections, *silent* it takes them and passes nothing on.
 */
export async function startTcpProxy(targetUrl: string) {
  const target = new URL(targetUrl);
  let mode: 'open' | 'cut' | 'silent' = 'open';
  let accepted = 0;
  const sockets = new Set<Socket>();
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    return socket;
  };
  const drop = () => {
    for (const socket of sockets) socket.destroy();
  };

  const server = createServer((near) => {
    keep(near);
    accepted += 1;
    if (mode === 'cut') return void near.resetAndDestroy();
    if (mode === 'silent') return;
    const far = keep(connect(Number(target.port), target.hostname));
    near.on('data', (data) => mode === 'open' && far.write(data));
    far.on('data', (data) => mode === 'open' && near.write(data));
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
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
    cut: () => {
      mode = 'cut';
      drop();
    },
    silence: () => {
      mode = 'silent';
    },
    open: () => {
      // What was swallowed is missing from the streams: they cannot go on.
      drop();
      mode = 'open';
    },
    stop: async () => {
      drop();
      server.close();
      await once(server, 'close');
    },
  };
}
