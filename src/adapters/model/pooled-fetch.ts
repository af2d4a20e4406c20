import { Agent, request } from 'undici';

type Fetch = (url: string | URL | Request, init?: RequestInit) => Promise<Response>;

const KEEP_ALIVE_MS = 60_000;

/**
 * A `fetch` for answers that come as a whole: the same connections again and again, and none of the streams that Node's
 * own makes for each call, which cost more CPU than all else that is done for a question.
 *
 * It sets no time limit: its caller's signal does.
 */
export function createPooledFetch(): Fetch {
  const dispatcher = new Agent({ keepAliveTimeout: KEEP_ALIVE_MS, headersTimeout: 0, bodyTimeout: 0 });

  return async (url, { method = 'GET', headers, body, signal } = {}) => {
    try {
      const answer = await request(String(url), {
        dispatcher,
        method: method as 'GET' | 'POST',
        headers: [...(headers instanceof Headers ? headers : new Headers(headers))].flat(),
        body: body as string | null,
        signal: signal ?? null,
      });
      const text = await answer.body.text();
      return new Response(text === '' ? null : text, { status: answer.statusCode, headers: pick(answer.headers) });
    } catch (error) {
      signal?.throwIfAborted();
      throw new TypeError('fetch failed', { cause: error });
    }
  };
}

/** Making a header costs more than reading it: those that nobody reads are left out. */
const READ_HEADERS = ['content-type', 'retry-after', 'retry-after-ms', 'x-request-id'];

const pick = (headers: Record<string, string | string[] | undefined>) =>
  READ_HEADERS.flatMap((name): [string, string][] => {
    const value = headers[name];
    return typeof value === 'string' ? [[name, value]] : [];
  });
