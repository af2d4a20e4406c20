import OpenAI, { APIError } from 'openai';
import type { WholeFetch } from './http/whole-fetch.ts';
import { isCutResponse } from './http/whole-fetch.ts';
import type { AnswerParameters } from './model.ts';
import type { ProviderReply } from './read-reply.ts';

/**
 * The `openai` client as we use it: one call, no retries of its own, and the reply as it came.
 * @param options.fetch sets all limits of time and size
 */
export function createModelClient(options: { baseUrl: string; apiKey: string; fetch: WholeFetch }) {
  const { baseUrl, apiKey, fetch } = options;
  // All that is sent. The client would add what it finds in the environment (OPENAI_CUSTOM_HEADERS), which may be meant
  // for another provider, and what it knows of this machine.
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
      const { callerSignal, ...request } = init as RequestInit & CallerSignal;
      const response = await fetch(url, { ...request, headers, signal: callerSignal });
      return response.ok ? response : await withWholeError(response);
    },
    // The workflow retries: it knows the deadline, and whether the worker is about to stop.
    maxRetries: 0,
    timeout: NO_TIMEOUT_MS,
    // Given, so that the client does not take them from the environment; its log has messages in it.
    adminAPIKey: null,
    organization: null,
    project: null,
    webhookSecret: null,
    logLevel: 'off',
  });

  return {
    /** Rejects where there is no reply. */
    ask: async (body: AnswerParameters['body'], signal: AbortSignal): Promise<ProviderReply> => {
      const callerSignal: CallerSignal = { callerSignal: signal };
      try {
        const response = await client.chat.completions
          .create(body, { fetchOptions: callerSignal as object })
          .asResponse();
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
 * Whose wish it is that a call ends. The client hands such fields on to `fetch`. A `signal` it would compose with one of
 * its own, which costs about a tenth of the call.
 */
interface CallerSignal {
  callerSignal: AbortSignal;
}

/** The client's own timer; as long as a timer can be. */
const NO_TIMEOUT_MS = 2 ** 31 - 1;

/** Of an error's body the client keeps only what is under `error`: so the whole body is put there. */
async function withWholeError(response: Response): Promise<Response> {
  const error = [await response.text(), isCutResponse(response)];
  return new Response(JSON.stringify({ error }), { status: response.status, headers: response.headers });
}
