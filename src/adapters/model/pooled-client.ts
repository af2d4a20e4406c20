import type { IncomingHttpHeaders } from 'node:http';
import OpenAI from 'openai';
import { Agent, type Dispatcher } from 'undici';

const KEEP_ALIVE_MS = 60_000;

/**
 * The `openai` client for answers that come as a whole: over the same connections again and again, and without the streams,
 * signals and timers that are made for each call else. They cost more CPU than all else that is done for a question. Nor
 * does it use undici's `request`: much of what that makes lives on until the next full garbage collection.
 *
 * It sets no time limit: its caller's signal does.
 */
export class PooledClient extends OpenAI {
  readonly #dispatcher = new Agent({ keepAliveTimeout: KEEP_ALIVE_MS, headersTimeout: 0, bodyTimeout: 0 });

  override async fetchWithTimeout(url: string | URL | Request, init: RequestInit = {}): Promise<Response> {
    const { signal } = init;
    try {
      return (await send(this.#dispatcher, new URL(String(url)), init)) as unknown as Response;
    } catch (error) {
      signal?.throwIfAborted();
      throw new TypeError('fetch failed', { cause: error });
    }
  }
}

function send(dispatcher: Agent, url: URL, init: RequestInit): Promise<WholeResponse> {
  const { method = 'GET', headers, body, signal } = init;
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    let call: Dispatcher.DispatchController | undefined;
    let status = 0;
    let received: IncomingHttpHeaders = {};
    const chunks: Buffer[] = [];
    const abort = () => {
      reject(signal!.reason);
      call?.abort(signal!.reason);
    };
    const end = () => signal?.removeEventListener('abort', abort);
    signal?.addEventListener('abort', abort, { once: true });
    dispatcher.dispatch(
      {
        origin: url.origin,
        path: url.pathname + url.search,
        method: method.toUpperCase() as Dispatcher.HttpMethod,
        headers: [...(headers as Headers)].flat(),
        body: body as string | null,
      },
      {
        onRequestStart: (controller) => {
          call = controller;
          if (signal?.aborted) call.abort(signal.reason);
        },
        onResponseStart: (_controller, statusCode, responseHeaders) => {
          status = statusCode;
          received = responseHeaders;
        },
        onResponseData: (_controller, chunk) => void chunks.push(chunk),
        onResponseEnd: () => {
          end();
          resolve(new WholeResponse(status, received, Buffer.concat(chunks).toString()));
        },
        onResponseError: (_controller, error) => {
          end();
          reject(error);
        },
      },
    );
  });
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

  constructor(status: number, headers: IncomingHttpHeaders, text: string) {
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
