import type { Logger } from 'pino';
import type { RawData, WebSocket } from 'ws';
import type { VerifiedToken } from '../../../contracts/account.ts';
import { ApiError } from '../../../contracts/errors.ts';
import type { CutOffEvent } from '../../../contracts/http/realtime-bodies.ts';
import {
  type ClientMessage,
  clientMessage,
  type SocketCloseReason,
  socketCloses,
} from '../../../contracts/http/socket-messages.ts';
import { limits } from '../../../contracts/limits.ts';
import { continueTrace, traceIdOf } from '../../../contracts/traceparent.ts';
import type { IdentifyToken } from '../../auth/authenticate.ts';
import { LONGEST_WAIT_MS } from '../../chat/answer-waiter.ts';
import { logProblem, problemBody, problemPath, toApiError } from '../../problem.ts';
import { parse } from '../../validate.ts';
import type { StreamPlaces } from '../stream-places.ts';
import type { RedeemTicket } from '../tickets.ts';
import { type AnswerOptions, answerMessage } from './answer-message.ts';
import { createSubscriptions } from './answer-subscriptions.ts';
import type { Heartbeat } from './heartbeat.ts';
import { createMessageRate } from './message-rate.ts';
import { createOutbox } from './outbox.ts';

/** A connection whose client does not say within this time who it is, is closed. */
const AUTHENTICATE_WITHIN_MS = 10_000;
/** How many messages of a connection may wait for their replies. */
const MOST_PENDING = { unknown: 8, known: 64 };
/** How long messages that were taken may keep a process from closing its connections when it stops. */
const LAST_REPLIES_MS = 2_000;

/** Why a connection has ended: our reason, or what else has happened. */
export type SocketEnd = SocketCloseReason | 'dead' | 'too_large' | 'left';

export interface SocketConnectionOptions extends AnswerOptions {
  identify: IdentifyToken;
  redeemTicket: RedeemTicket;
  /** How far a clock may differ from ours, so that a token counts for longer. */
  clockToleranceMs: number;
  places: StreamPlaces;
  heartbeat: Heartbeat;
  /** How long a reader may take nothing. */
  stalledMs: number;
  /** The path prefix that clients see. */
  basePath: string;
  onCutOff: (reason: CutOffEvent['reason']) => void;
}

export interface SocketConnection {
  /** undefined: not known yet */
  readonly token: VerifiedToken | undefined;
  close(reason: SocketCloseReason): void;
  /** Tells the client to connect again after this time, and closes once what is under way was replied to. */
  stop(reconnectInMs: number): Promise<void>;
}

/**
 * One WebSocket. It has these states:
 * - *unknown*: nobody has authenticated. The first message must do so, and soon. Messages after it wait for that.
 * - *known*: messages are answered, several at a time. It ends with the token, unless another token comes before.
 * - *stopping*: the process stops. New messages are refused.
 * - *closing*: the client was told why. What still comes, and what would be sent, is dropped.
 * @param options.admit called when the user is known. @throws ApiError if the user has too many connections
 * @param options.onEnd called once at its end
 */
export function openSocketConnection(
  socket: WebSocket,
  options: SocketConnectionOptions & {
    log: Logger;
    admit: (userId: string) => void;
    onEnd: (end: SocketEnd) => void;
  },
): SocketConnection {
  const { identify, redeemTicket, clockToleranceMs, places, heartbeat, stalledMs, basePath, onCutOff } = options;
  const { log, admit, onEnd } = options;
  const openedAt = performance.now();
  const mayCome = createMessageRate(limits.socketMessages);
  const outbox = createOutbox(socket, { stalledMs, onStalled: () => close('too_slow') });
  const subscriptions = createSubscriptions({ outbox, places, onCutOff });
  /** Messages that were not replied to. */
  const pending = new Set<Promise<void>>();
  let token: VerifiedToken | undefined;
  /** Resolves once the first message was answered. */
  let first: Promise<void> | undefined;
  let firstAnswered = () => {};
  let stopping = false;
  let end: SocketEnd | undefined;
  let deadline = setTimeout(() => close('unauthenticated'), AUTHENTICATE_WITHIN_MS).unref();

  function close(reason: SocketCloseReason): void {
    if (end) return;
    end = reason;
    leave();
    socket.close(socketCloses[reason].code, reason);
  }

  function leave(): void {
    clearTimeout(deadline);
    subscriptions.closeAll();
  }

  async function authenticate({ id, token: given, ticket }: Extract<ClientMessage, { type: 'authenticate' }>) {
    const next = given === undefined ? await redeemTicket(ticket) : await identify(given, log);
    if (!next) throw new ApiError('unauthenticated', { detail: 'The token is not valid, or has expired.' });
    if (end) return;
    const { userId, expiresAt } = next;
    if (!token) admit(userId);
    else if (userId !== token.userId) throw new ApiError('unauthenticated', { detail: 'The token is another user’s.' });
    token = next;
    clearTimeout(deadline);
    const leftMs = expiresAt * 1000 + clockToleranceMs - Date.now();
    deadline = setTimeout(() => close('token_expired'), Math.min(leftMs, LONGEST_WAIT_MS)).unref();
    const expires = new Date(expiresAt * 1000).toISOString();
    await outbox.send({ type: 'authenticated', id: id ?? null, userId, expiresAt: expires });
  }

  async function answer(text: string, onReplied: () => void): Promise<void> {
    const isFirst = first === undefined;
    first ??= new Promise((resolve) => {
      firstAnswered = resolve;
    });
    // A fault of a later message must not end a connection that is still being authenticated.
    if (!isFirst && !token) await first;
    // The connection has closed, because the first message was refused.
    if (end) return;
    let id: string | null = null;
    let trace = continueTrace(undefined);
    try {
      const value = readJson(text);
      id = idOf(value);
      if (stopping) throw new ApiError('stopping', { retryAfterSeconds: 1 });
      const message = parse(clientMessage, value);
      if (message.type === 'authenticate') return await authenticate(message);
      if (!token) throw new ApiError('unauthenticated', { detail: 'The first message must be `authenticate`.' });
      if (message.type === 'ask') trace = continueTrace(message.traceparent, message.tracestate);
      const { userId, tenantId } = token;
      await answerMessage(options, message, { userId, tenantId, outbox, subscriptions, trace, onReplied });
    } catch (error) {
      const problem = toApiError(error);
      const traceId = traceIdOf(trace.traceparent);
      logProblem(log, { traceId, ...(token && { userId: token.userId }) }, problem);
      const body = problemBody(problem, { type: `${basePath}${problemPath(problem.code)}`, traceId });
      const retryAfterMs = problem.retryAfterSeconds === undefined ? null : problem.retryAfterSeconds * 1_000;
      await outbox.send({ type: 'problem', id, problem: body, retryAfterMs });
      if (!token) close(closeOf(problem));
    } finally {
      if (isFirst) firstAnswered();
    }
  }

  socket.on('message', (data: RawData, isBinary: boolean) => {
    if (end) return;
    if (isBinary) return close('not_text');
    if (!mayCome() || pending.size >= MOST_PENDING[token ? 'known' : 'unknown']) return close('too_many_messages');
    const reply = new Promise<void>((resolve) => {
      void answer(String(data), resolve).finally(resolve);
    });
    pending.add(reply);
    void reply.finally(() => pending.delete(reply));
  });
  // The library closes the connection with a code that says what is wrong.
  socket.on('error', ({ code }: NodeJS.ErrnoException) => {
    if (code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') end ??= 'too_large';
  });
  socket.once('close', (code: number) => {
    leave();
    end ??= 'left';
    const seconds = Math.round((performance.now() - openedAt) / 1_000);
    log.info({ ...(token && { userId: token.userId }), code, end, seconds }, 'a WebSocket has ended');
    onEnd(end);
  });
  heartbeat.watch(
    socket,
    () => outbox.full,
    () => {
      end ??= 'dead';
      socket.terminate();
    },
  );

  return {
    get token() {
      return token;
    },
    close,
    stop: async (reconnectInMs) => {
      stopping = true;
      let timer: NodeJS.Timeout | undefined;
      const timeOver = new Promise((resolve) => {
        timer = setTimeout(resolve, LAST_REPLIES_MS);
      });
      await Promise.race([outbox.send({ type: 'stopping', reconnectInMs }), timeOver]);
      await Promise.race([Promise.all(pending), timeOver]);
      clearTimeout(timer);
      close('stopping');
    },
  };
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's message quotes what it parsed, so it is not passed on.
    throw new ApiError('malformed_json', { detail: 'Send a JSON object.' });
  }
}

/** The id of a message that may have other faults. */
function idOf(value: unknown): string | null {
  const id = (value as { id?: unknown } | null)?.id;
  return typeof id === 'string' && id.length <= limits.idChars ? id : null;
}

/** How a connection ends whose first message was refused. */
function closeOf({ code, status }: ApiError): SocketCloseReason {
  if (code === 'too_many_streams') return 'too_many_connections';
  return status >= 500 ? 'unavailable' : 'unauthenticated';
}
