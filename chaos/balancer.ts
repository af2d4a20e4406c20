import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const LOOK_MS = 500;
const LOOK_TIMEOUT_MS = 1_000;

/** A proxy before servers of HTTP. */
export interface Balancer {
  readonly url: string;
  stop(): void;
}

/**
 * Starts a small load balancer. It leads each connection to the next server that says it is ready, or to the next one at all if
 * none does.
 * @param ports of the servers, on 127.0.0.1
 */
export async function startBalancer(ports: readonly number[]): Promise<Balancer> {
  const over = new AbortController();
  const sockets = new Set<Socket>();
  let ready: readonly number[] = ports;
  let taken = 0;

  const isReady = async (port: number) => {
    const signal = AbortSignal.timeout(LOOK_TIMEOUT_MS);
    const reply = await fetch(`http://127.0.0.1:${port}/health/ready`, { signal }).catch(() => undefined);
    await reply?.body?.cancel();
    return reply?.ok ?? false;
  };
  const watch = async () => {
    while (!over.signal.aborted) {
      const found = await Promise.all(ports.map(isReady));
      const nowReady = ports.filter((_, i) => found[i]);
      ready = nowReady.length > 0 ? nowReady : ports;
      await sleep(LOOK_MS);
    }
  };
  void watch();

  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    return socket;
  };
  const server = createServer((near) => {
    const far = keep(connect(ready[taken++ % ready.length]!, '127.0.0.1'));
    keep(near).on('close', () => far.destroy());
    far.on('close', () => near.destroy());
    near.pipe(far).pipe(near);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () => {
      over.abort();
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
