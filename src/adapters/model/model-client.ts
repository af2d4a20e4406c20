import OpenAI, { APIError } from 'openai';
import type { ReplySink, WholeFetch, WithSink } from './http/whole-fetch.ts';
import { isCutResponse } from './http/whole-fetch.ts';
import type { ProviderReply } from './read-reply.ts';

/**
 * The `openai` client as we use it. It makes one call without retries, and returns the reply unchanged.
 * @param options.fetch sets all limits of time and size
 */
export function createModelClient(options: { baseUrl: string; apiKey: string; fetch: WholeFetch }) {
  const { baseUrl, apiKey, fetch } = options;
  // No other headers are sent. The client would add those of OPENAI_CUSTOM_HEADERS, which may be meant for another
  // provider, and some that describe this machine.
  const headers = {
    accept: 'application/json',
    authorization: `Bearer ${apiKey}`,
    'content-type': 'application/json',
    'user-agent': 'healify-chat',
  };
  const client = new OpenAI({
    apiKey,
    baseURL: baseUrl,
    fetch: async (url, init) => {
      const { callerSignal, sink, ...request } = init as RequestInit & CallerSignal & WithSink;
      const accepted = sink ? { ...headers, accept: 'text/event-stream, application/json' } : headers;
      const asked: RequestInit & WithSink = { ...request, headers: accepted, signal: callerSignal, sink };
      const response = await fetch(url, asked);
      return response.ok ? response : await withWholeError(response);
    },
    // The workflow retries. It knows the deadline, and whether the worker must stop.
    maxRetries: 0,
    timeout: NO_TIMEOUT_MS,
    // Set, so that the client does not read them from the environment. Its log would show messages of users.
    adminAPIKey: null,
    organization: null,
    project: null,
    webhookSecret: null,
    logLevel: 'off',
  });

  return {
    /**
     * Rejects if there is no reply.
     * @param sink takes a stream while it arrives. The client's own reader of streams is not used: it ends at the first
     * event that is not JSON, and our reader makes the same of a stream whether it was asked for or not
     */
    ask: async (
      body: OpenAI.Chat.ChatCompletionCreateParams,
      signal: AbortSignal,
      sink?: ReplySink,
    ): Promise<ProviderReply> => {
      const more: CallerSignal & WithSink = { callerSignal: signal, sink };
      try {
        const response = await client.chat.completions.create(body, { fetchOptions: more as object }).asResponse();
        return {
          status: response.status,
          headers: response.headers,
          body: await response.text(),
          isCut: isCutResponse(response),
        };
      } catch (error) {
        const { status, headers: received } = error as Partial<APIError>;
        if (!(error instanceof APIError) || status === undefined || !received) throw error;
        const [reply, isCut] = (error.error ?? ['', false]) as [string, boolean];
        return { status, headers: received, body: reply, isCut };
      }
    },
  };
}

/**
 * The signal that aborts a call, in a field that the client passes on to `fetch`. If it were passed as `signal`, the
 * client would combine it with a signal of its own, which costs about a tenth of the call.
 */
interface CallerSignal {
  callerSignal: AbortSignal;
}

/** The client's own time limit: the longest that a timer can run. */
const NO_TIMEOUT_MS = 2 ** 31 - 1;

/** The client keeps only the field `error` of an error's body. So the whole body is put into that field. */
async function withWholeError(response: Response): Promise<Response> {
  const error = [await response.text(), isCutResponse(response)];
  return new Response(JSON.stringify({ error }), { status: response.status, headers: response.headers });
}
