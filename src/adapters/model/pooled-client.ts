import OpenAI from 'openai';
import { Agent, request } from 'undici';

const KEEP_ALIVE_MS = 60_000;

/**
 * The `openai` client for answers that come as a whole: over the same connections again and again, without the streams
 * that `fetch` makes for each call, which cost more CPU than all else that is done for a question, and without signals
 * made of other signals, which live on until the next full garbage collection with all that the call has made.
 *
 * It sets no time limit: its caller's signal does.
 */
export class PooledClient extends OpenAI {
  readonly #dispatcher = new Agent({ keepAliveTimeout: KEEP_ALIVE_MS, headersTimeout: 0, bodyTimeout: 0 });

  override async fetchWithTimeout(url: string | URL | Request, init: RequestInit = {}): Promise<Response> {
    const { method = 'GET', headers, body, signal } = init;
    try {
      const answer = await request(String(url), {
        dispatcher: this.#dispatcher,
        method: method.toUpperCase() as 'GET' | 'POST',
        headers: [...(headers as Headers)].flat(),
        body: body as string | null,
        signal: signal ?? null,
      });
      return new WholeResponse(answer.statusCode, answer.headers, await answer.body.text()) as unknown as Response;
    } catch (error) {
      signal?.throwIfAborted();
      throw new TypeError('fetch failed', { cause: error });
    }
  }
}

/** Making a header costs more than reading it: those that nobody reads are left out. */
const READ_HEADERS = ['content-type', 'retry-after', 'retry-after-ms', 'x-request-id'];

/** What the client reads of a `Response`, once its body is there. */
class WholeResponse {
  readonly status: number;
  readonly ok: boolean;
  readonly headers = new Headers();
  readonly url = '';
  readonly body = null;
  readonly #text: string;

  constructor(status: number, headers: Record<string, string | string[] | undefined>, text: string) {
    this.status = status;
    this.ok = status >= 200 && status < 300;
    for (const name of READ_HEADERS) {
      const value = headers[name];
      if (typeof value === 'string') this.headers.set(name, value);
    }
    this.#text = text;
  }

  async text(): Promise<string> {
    return this.#text;
  }
}
