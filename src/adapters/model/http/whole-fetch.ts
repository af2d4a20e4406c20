import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import { decodeBody, isPlain } from './decode-body.ts';
import { WholeResponse } from './whole-response.ts';

/** How long a reply may take, in ms. Left out: no limit. */
export interface ReplyLimits {
  /** Until the first byte of the reply's body. */
  firstByteTimeoutMs?: number | undefined;
  /** Between two bytes of the body. */
  idleTimeoutMs?: number | undefined;
  /** Until the last byte. */
  timeoutMs?: number | undefined;
}

/** Rejects as `fetch` does: with the reason of an aborted signal, or with a TypeError that has the cause. */
export type WholeFetch = (url: string | URL | Request, init?: RequestInit) => Promise<Response>;

/** The reply took longer than it may. */
export class ReplyTimeoutError extends Error {
  readonly code: 'REPLY_TIMEOUT_FIRST_BYTE' | 'REPLY_TIMEOUT_IDLE' | 'REPLY_TIMEOUT_TOTAL';

  constructor(code: ReplyTimeoutError['code']) {
    super('the reply took too long');
    this.name = 'ReplyTimeoutError';
    this.code = code;
  }
}

const MAX_REDIRECTS = 5;
const REDIRECTS = [301, 302, 303, 307, 308];
/** A `Response` with one of these must not have a body. */
const WITHOUT_BODY = [204, 205, 304];

/** Headers about the connection, or about the body before it was decoded. */
const NOT_PASSED_ON = new Set(['connection', 'content-encoding', 'content-length', 'keep-alive', 'transfer-encoding']);

/** Whether the body was longer than allowed, so that only its beginning was read. */
export const isCutResponse = (response: Response): boolean => response instanceof WholeResponse && response.isCut;

/**
 * A `fetch` for replies that are read as a whole. It resolves when the whole body has arrived. It follows redirects and
 * decompresses bodies. It uses less CPU time than undici's `fetch`, which makes streams, signals and timers for each
 * request (`npm run bench:micro` measures both).
 *
 * A body of more than `maxBytes`, compressed or not, is read only up to that limit. Then the response has the
 * beginning, and `isCutResponse` returns true. Bodies of requests must be strings.
 */
export function createWholeFetch(options: { dispatcher: Dispatcher; maxBytes: number } & ReplyLimits): WholeFetch {
  const { dispatcher, maxBytes, ...limits } = options;

  return async (url, init = {}) => {
    const { signal } = init;
    let request = requestOf(urlOf(url), init);
    for (let redirects = 0; ; redirects += 1) {
      let reply: Reply;
      try {
        reply = await send(dispatcher, request, { maxBytes, limits, signal: signal ?? undefined });
        if (!isPlain(reply.body, reply.headers['content-encoding'])) reply = await decoded(reply, maxBytes);
      } catch (error) {
        signal?.throwIfAborted();
        throw new TypeError('fetch failed', { cause: error });
      }
      const next = redirects < MAX_REDIRECTS ? redirectOf(request, reply) : undefined;
      if (!next) return responseOf(reply, request.url);
      request = next;
    }
  };
}

const urlOf = (url: string | URL | Request) =>
  new URL(typeof url === 'string' || url instanceof URL ? String(url) : url.url);

async function decoded(reply: Reply, maxBytes: number): Promise<Reply> {
  const { body, isCut } = await decodeBody(reply.body, reply.headers['content-encoding'], maxBytes);
  return { ...reply, body, isCut: reply.isCut || isCut };
}

interface OutgoingRequest {
  url: URL;
  method: string;
  headers: Record<string, string>;
  body: string | null;
}

function requestOf(url: URL, { method = 'GET', headers = {}, body }: RequestInit): OutgoingRequest {
  const isRecord = !(headers instanceof Headers || Array.isArray(headers));
  return {
    url,
    method: method.toUpperCase(),
    headers: isRecord ? (headers as Record<string, string>) : Object.fromEntries(headers as Iterable<[string, string]>),
    body: (body ?? null) as string | null,
  };
}

/**
 * Returns the request that follows a redirect, as the `fetch` standard describes. undefined: the reply is no redirect.
 */
function redirectOf(request: OutgoingRequest, { status, headers }: Reply): OutgoingRequest | undefined {
  const { location } = headers;
  if (!REDIRECTS.includes(status) || !location || !URL.canParse(location, request.url.href)) return undefined;
  const url = new URL(location, request.url);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return undefined;
  const kept = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name.toLowerCase(), value]));
  // Another origin may belong to somebody else. It must not see our key.
  if (url.origin !== request.url.origin) {
    for (const name of ['authorization', 'api-key', 'x-api-key', 'cookie', 'proxy-authorization']) delete kept[name];
  }
  const asGet = status === 303 || (status < 303 && request.method === 'POST');
  if (!asGet) return { ...request, url, headers: kept };
  delete kept['content-type'];
  return { url, method: request.method === 'HEAD' ? 'HEAD' : 'GET', headers: kept, body: null };
}

interface Reply {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
  isCut: boolean;
}

function send(
  dispatcher: Dispatcher,
  { url, method, headers, body }: OutgoingRequest,
  { maxBytes, limits, signal }: { maxBytes: number; limits: ReplyLimits; signal: AbortSignal | undefined },
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    let call: Dispatcher.DispatchController | undefined;
    let status = 0;
    let received: IncomingHttpHeaders = {};
    const chunks: Buffer[] = [];
    let bytes = 0;
    let ended = false;

    const end = () => {
      ended = true;
      watch.stop();
      signal?.removeEventListener('abort', abort);
    };
    const giveUp = (reason: Error) => {
      if (ended) return;
      end();
      reject(reason);
      call?.abort(reason);
    };
    const abort = () => giveUp(signal!.reason as Error);
    const finish = (isCut: boolean) => {
      end();
      const whole = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
      resolve({ status, headers: received, body: isCut ? whole.subarray(0, maxBytes) : whole, isCut });
    };
    const watch = watchTime(limits, giveUp);
    signal?.addEventListener('abort', abort, { once: true });

    const options = {
      origin: url.origin,
      path: url.pathname + url.search,
      method: method as Dispatcher.HttpMethod,
      headers,
      body,
    };
    const handler: Dispatcher.DispatchHandler = {
      onRequestStart: (controller) => {
        call = controller;
        if (ended) call.abort(signal?.reason ?? new Error('nobody waits any more'));
      },
      onResponseStart: (_controller, statusCode, responseHeaders) => {
        status = statusCode;
        received = responseHeaders;
      },
      onResponseData: (controller, chunk) => {
        if (ended) return;
        watch.byteCame();
        chunks.push(chunk);
        bytes += chunk.length;
        if (bytes <= maxBytes) return;
        finish(true);
        controller.abort(new Error('the reply is too long'));
      },
      onResponseEnd: () => {
        if (!ended) finish(false);
      },
      onResponseError: (_controller, error) => {
        if (ended) return;
        end();
        reject(error);
      },
    };
    try {
      dispatcher.dispatch(options, handler);
    } catch (error) {
      end();
      reject(error);
    }
  });
}

/** Watches all limits of a call with one timer, because a timer costs more than a look at the clock. */
function watchTime(
  { firstByteTimeoutMs, idleTimeoutMs, timeoutMs }: ReplyLimits,
  onTimeout: (error: ReplyTimeoutError) => void,
): { byteCame(): void; stop(): void } {
  const startedAt = performance.now();
  let lastByteAt: number | undefined;
  let timer: NodeJS.Timeout | undefined;

  /** When the next limit is reached, in ms of the monotonic clock, and which one. */
  const next = (): [at: number, code: ReplyTimeoutError['code']] => {
    const total = startedAt + (timeoutMs ?? Number.POSITIVE_INFINITY);
    const quiet =
      lastByteAt === undefined
        ? startedAt + (firstByteTimeoutMs ?? Number.POSITIVE_INFINITY)
        : lastByteAt + (idleTimeoutMs ?? Number.POSITIVE_INFINITY);
    if (total <= quiet) return [total, 'REPLY_TIMEOUT_TOTAL'];
    return [quiet, lastByteAt === undefined ? 'REPLY_TIMEOUT_FIRST_BYTE' : 'REPLY_TIMEOUT_IDLE'];
  };
  const look = () => {
    const [at, code] = next();
    const leftMs = at - performance.now();
    if (leftMs <= 0) onTimeout(new ReplyTimeoutError(code));
    else if (leftMs < Number.POSITIVE_INFINITY) timer = setTimeout(look, Math.min(2 ** 31 - 1, Math.ceil(leftMs)));
  };
  look();
  return {
    byteCame: () => {
      const first = lastByteAt === undefined;
      lastByteAt = performance.now();
      // From now on the limit between two bytes counts. It may end earlier than the limit for the first byte.
      if (!first) return;
      clearTimeout(timer);
      look();
    },
    stop: () => clearTimeout(timer),
  };
}

function responseOf({ status, headers, body, isCut }: Reply, url: URL): Response {
  const pairs: [string, string][] = [];
  for (const name in headers) {
    if (NOT_PASSED_ON.has(name)) continue;
    const value = headers[name];
    if (Array.isArray(value)) for (const each of value) pairs.push([name, each]);
    else pairs.push([name, value ?? '']);
  }
  const response = new WholeResponse(WITHOUT_BODY.includes(status) ? null : body.toString(), {
    // A server may send any status, but a `Response` only accepts this range.
    status: status >= 200 && status <= 599 ? status : 502,
    headers: pairs,
    url: url.href,
    isCut,
  });
  return response as unknown as Response;
}
