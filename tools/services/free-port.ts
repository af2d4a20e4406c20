import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below the ports that systems use for outgoing connections: one of those could be taken before it is used. */
const FROM = 20_000;
const TO = 32_000;
/**
 * Each jest worker chooses from its own range. Otherwise two workers could choose the same port, because a server
 * listens on it only some time later.
 */
const SHARES = 8;
const SHARE = Number(process.env.JEST_WORKER_ID ?? 0) % SHARES;
const SHARE_SIZE = (TO - FROM) / SHARES;
const TRIES = 100;
/** Ports that we have returned before: their servers may not listen yet. */
const given = new Set<number>();

/** Returns a TCP port of 127.0.0.1 that nothing listens on, and that was not returned before. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < TRIES; tries++) {
    const port = FROM + SHARE * SHARE_SIZE + randomInt(SHARE_SIZE);
    if (given.has(port)) continue;
    given.add(port);
    if (await canListen(port, '127.0.0.1')) return port;
  }
  throw new Error(`no free port among those from ${FROM + SHARE * SHARE_SIZE}`);
}

/**
 * Whether a server could listen there now. @throws the system's error, except the one that says that the port is taken
 */
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
