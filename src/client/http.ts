import { ChatError, errorOf } from './errors.ts';
import { backoffMs, pause } from './pause.ts';

/**
 * Gives the access token for a call.
 * @param refused the token that the api has just refused, if there is one: do not give the same again
 * @returns undefined: there is none, so the call goes without
 */
export type TokenSource = (refused?: string) => Promise<string | undefined> | string | undefined;

export interface CallOptions {
  /** JSON. */
  body?: unknown;
  /** Parameters without a value are left out. */
  query?: Record<string, string | number | undefined>;
  headers?: Record<string, string>;
  signal?: AbortSignal | undefined;
  /** Whether to try again after a failure that may pass. Only for calls that may be made twice. */
  retry?: boolean;
}

/** How often a call is tried, if it may be made twice. */
const MOST_TRIES = 4;
/** A longer wait than this is for the caller to decide. */
const LONGEST_WAIT_MS = 15_000;

/** Speaks HTTP with the api. Errors are ChatErrors, but for the reason of an aborted signal. */
export interface Http {
  /** @returns the body of the reply; undefined if it has none */
  call<T>(method: string, path: string, options?: CallOptions): Promise<T>;
  /** As `call`, for replies whose body is read piece by piece. Tries once. */
  open(method: string, path: string, options?: CallOptions): Promise<Response>;
}

/**
 * @param options.baseUrl where the api is, such as `https://chat.example.com`; '' for the page's own server
 * @param options.token left out: calls go without a token
 */
export function createHttp(options: { baseUrl: string; token?: TokenSource; fetch?: typeof fetch }): Http {
  const { token } = options;
  const baseUrl = options.baseUrl.replace(/\/+$/, '');
  const doFetch = options.fetch ?? ((...call) => fetch(...call));

  async function send(method: string, path: string, call: CallOptions, bearer: string | undefined): Promise<Response> {
    const { body, query = {}, headers, signal } = call;
    const given = Object.entries(query).flatMap(([name, value]): [string, string][] =>
      value === undefined || value === '' ? [] : [[name, String(value)]],
    );
    const search = given.length > 0 ? `?${new URLSearchParams(given)}` : '';
    try {
      return await doFetch(`${baseUrl}${path}${search}`, {
        method,
        headers: {
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
          ...headers,
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        ...(signal && { signal }),
      });
    } catch (cause) {
      signal?.throwIfAborted();
      throw new ChatError('connection_failed', 'The server cannot be reached. Check the connection and try again.', {
        cause,
      });
    }
  }

  async function open(method: string, path: string, call: CallOptions = {}): Promise<Response> {
    const bearer = await token?.();
    let reply = await send(method, path, call, bearer);
    if (reply.status === 401 && token) {
      const another = await token(bearer);
      if (another !== undefined && another !== bearer) reply = await send(method, path, call, another);
    }
    if (!reply.ok) throw await errorOf(reply);
    return reply;
  }

  async function once<T>(method: string, path: string, call: CallOptions): Promise<T> {
    const reply = await open(method, path, call);
    if (reply.status === 204) return undefined as T;
    try {
      return (await reply.json()) as T;
    } catch (cause) {
      call.signal?.throwIfAborted();
      throw new ChatError('unreadable_reply', 'The server’s reply cannot be read. Try again.', {
        status: reply.status,
        cause,
      });
    }
  }

  async function call<T>(method: string, path: string, call: CallOptions = {}): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await once<T>(method, path, call);
      } catch (error) {
        if (!call.retry || !(error instanceof ChatError) || !error.retryable || tries >= MOST_TRIES) throw error;
        const waitMs = error.retryAfterMs ?? backoffMs(tries);
        if (waitMs > LONGEST_WAIT_MS) throw error;
        await pause(waitMs, call.signal);
      }
    }
  }

  return { call, open };
}
