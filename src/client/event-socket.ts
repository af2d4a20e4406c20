import type { ClientMessage, ServerMessage } from '../contracts/http/socket-messages.ts';
import { ChatError } from './errors.ts';
import { type Arrival, type ReadOptions, SILENCE_MS } from './event-connection.ts';
import type { TokenSource } from './http.ts';
import { createInbox, type Inbox } from './inbox.ts';
import { network } from './pause.ts';

/** The token is made new so long before it expires. */
const AHEAD_MS = 20_000;
/** Where the clock is ahead, each token seems to have expired. It is not made new again before this time. */
const LEAST_MS = 5_000;
/** The longest time that a timer can take: 24 days. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
/** The codes with which a connection ends because of its token. docs/protocol.md has all codes. */
const TOKEN_CODES = [4001, 4002, 4003];

export interface EventSocket {
  /**
   * Reads the events of a question, until its end or that of the connection. All readings share one WebSocket, which is
   * open while there are any.
   * @param after the number of the last event that the caller has; -1 for none
   * @throws ChatError `connection_failed` if the connection breaks off; the api's error if it refuses
   */
  read(requestId: string, after: number, options?: ReadOptions): AsyncGenerator<Arrival, void>;
}

/** Somebody who reads over a connection. */
interface Reader {
  requestId: string;
  after: number;
  inbox: Inbox<Arrival>;
}

interface Link {
  join(reader: Reader): void;
  leave(reader: Reader): void;
}

/**
 * Reads answers over a WebSocket. There is no connection at first. It is *opening* when somebody reads, *open* once the api
 * knows whose it is, and *closed* when nobody reads any more, or it is lost. Then the next reading opens another one.
 * @param options.baseUrl '' for the page's own server
 */
export function createEventSocket(options: { baseUrl: string; token: TokenSource }): EventSocket {
  let link: Link | undefined;
  /** The token that the api has refused last. */
  let refused: string | undefined;

  async function* read(requestId: string, after: number, { signal, silenceMs = SILENCE_MS }: ReadOptions = {}) {
    const reader = { requestId, after, inbox: createInbox<Arrival>() };
    const leave = () => reader.inbox.end();
    signal?.addEventListener('abort', leave);
    link ??= openLink(options, {
      silenceMs,
      refused,
      onRefused: (token) => {
        refused = token;
      },
      onClosed: () => {
        link = undefined;
      },
    });
    const joined = link;
    joined.join(reader);
    try {
      yield* reader.inbox;
    } finally {
      signal?.removeEventListener('abort', leave);
      joined.leave(reader);
    }
  }
  return { read };
}

function openLink(
  { baseUrl, token }: { baseUrl: string; token: TokenSource },
  options: {
    silenceMs: number;
    refused: string | undefined;
    onRefused: (token: string) => void;
    onClosed: () => void;
  },
): Link {
  const { silenceMs, refused, onRefused, onClosed } = options;
  const socket = new WebSocket(addressOf(baseUrl));
  const readers = new Map<string, Reader>();
  let lastId = 0;
  let isOpen = false;
  let isClosed = false;
  let bearer: string | undefined;
  let renewal: ReturnType<typeof setTimeout> | undefined;
  let heardAt = performance.now();
  const pings = setInterval(() => {
    if (performance.now() - heardAt > silenceMs) close();
    else if (isOpen) send({ type: 'ping' });
  }, silenceMs / 3);

  const send = (message: ClientMessage | { type: 'ping' }) => socket.send(JSON.stringify(message));

  /** Ends all readings. They may begin again over another connection, unless `error` says otherwise. */
  function close(error = new ChatError('connection_failed', 'The connection was lost.')): void {
    if (isClosed) return;
    isClosed = true;
    onClosed();
    clearInterval(pings);
    clearTimeout(renewal);
    network.removeEventListener?.('offline', onOffline);
    for (const { inbox } of readers.values()) inbox.end(error);
    readers.clear();
    socket.close();
  }
  const onOffline = () => close();
  network.addEventListener?.('offline', onOffline);

  /** @param before the token that does not count, or soon will not */
  async function authenticate(before: string | undefined): Promise<void> {
    try {
      const next = await token(before);
      if (next !== undefined && next !== before) {
        bearer = next;
        if (socket.readyState === WebSocket.OPEN) send({ type: 'authenticate', token: next });
      } else if (!isOpen) {
        close(new ChatError('unauthenticated', 'Log in, and try again.', { status: 401 }));
      }
    } catch (error) {
      if (!isOpen) close(error as ChatError);
    }
  }

  function subscribe(id: string, { requestId, after, inbox }: Reader): void {
    inbox.push({ type: 'open' });
    send({ type: 'subscribe', id, requestId, after });
  }

  function take(message: ServerMessage): void {
    if (message.type === 'authenticated') {
      const isFirst = !isOpen;
      isOpen = true;
      const leftMs = Date.parse(message.expiresAt) - Date.now();
      clearTimeout(renewal);
      const renewInMs = Math.min(Math.max(leftMs - AHEAD_MS, leftMs / 2, LEAST_MS), LONGEST_TIMER_MS);
      renewal = setTimeout(() => void authenticate(bearer), renewInMs);
      if (isFirst) for (const [id, reader] of readers) subscribe(id, reader);
      return;
    }
    if (message.type === 'stopping') {
      for (const { inbox } of readers.values()) inbox.push({ type: 'retry', ms: message.reconnectInMs });
      return;
    }
    const inbox = readers.get('id' in message ? (message.id ?? '') : '')?.inbox;
    if (message.type === 'event') {
      inbox?.push({ type: 'event', number: message.number ?? undefined, event: message.event });
    } else if (message.type === 'cut_off') {
      inbox?.push({ type: 'cut-off', reason: message.reason });
    } else if (message.type === 'ended') {
      if (message.complete) inbox?.push({ type: 'nothing-left' });
      inbox?.end();
    } else if (message.type === 'problem') {
      const { code, detail, status, errors: fields } = message.problem;
      const error = new ChatError(code, detail, { status, retryAfterMs: message.retryAfterMs ?? undefined, fields });
      // The connection ends next, if the api refuses the token; the code says so.
      if (isOpen) inbox?.end(error);
    }
  }

  socket.addEventListener('open', () => void authenticate(refused));
  socket.addEventListener('message', ({ data }) => {
    heardAt = performance.now();
    try {
      take(JSON.parse(String(data)) as ServerMessage);
    } catch (cause) {
      close(new ChatError('connection_failed', 'The connection has brought something that is no message.', { cause }));
    }
  });
  socket.addEventListener('close', ({ code }) => {
    if (TOKEN_CODES.includes(code) && bearer !== undefined) onRefused(bearer);
    close();
  });

  return {
    join: (reader) => {
      lastId += 1;
      const id = String(lastId);
      readers.set(id, reader);
      if (isOpen) subscribe(id, reader);
    },
    leave: (reader) => {
      const [id] = [...readers].find(([, each]) => each === reader) ?? [];
      if (id === undefined) return;
      readers.delete(id);
      if (readers.size === 0) close();
      else if (isOpen) send({ type: 'unsubscribe', id });
    },
  };
}

function addressOf(baseUrl: string): string {
  const { location } = globalThis as { location?: { href: string } };
  const url = new URL(`${baseUrl.replace(/\/+$/, '')}/chat/ws`, location?.href);
  url.protocol = url.protocol.replace('http', 'ws');
  return url.href;
}
