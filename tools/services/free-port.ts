import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below the ports that systems give to outgoing connections: one of those could be taken before it is used. */
const FROM = 20_000;
const TO = 32_000;
const TRIES = 100;
/** Those of a server that is only starting are free as well. */
const given = new Set<number>();

/** A TCP port of 127.0.0.1 that nothing listens on at present, and that we have not given before. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < TRIES; tries++) {
    const port = randomInt(FROM, TO);
    if (given.has(port)) continue;
    given.add(port);
    if (await canListen(port, '127.0.0.1')) return port;
  }
  throw new Error(`no free port among ${FROM} to ${TO}`);
}

/** Whether a server could listen there now. @throws what the system says other than that it is taken */
export async function canListen(port: number, host?: string): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, host);
    await once(server, 'listening');
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return false;
    throw error;
  } finally {
    server.close();
  }
}
