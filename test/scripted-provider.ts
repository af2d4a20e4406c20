import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A reply as a provider may send it. */
export interface ScriptedReply {
  status?: number;
  /** A list stands for a header that is sent several times. */
  headers?: Record<string, string | string[]>;
  /** A string or bytes are sent as they are, anything else as JSON. */
  body?: unknown;
}

export interface Received {
  path: string;
  method: string;
  headers: IncomingHttpHeaders;
  body: Record<string, unknown>;
}

/** An HTTP server that gives the replies in their order, and the last one again and again. */
export async function startScriptedProvider(...replies: ScriptedReply[]) {
  let script = replies;
  let given = 0;
  const received: Received[] = [];
  const provider = await serve(async (request, response) => {
    const sent = Buffer.concat(await request.toArray()).toString();
    received.push({
      path: request.url!,
      method: request.method!,
      headers: request.headers,
      body: sent === '' ? {} : (JSON.parse(sent) as Record<string, unknown>),
    });
    const { status = 200, headers = {}, body = '' } = script[Math.min(given, script.length - 1)]!;
    given += 1;
    const isRaw = typeof body === 'string' || body instanceof Uint8Array;
    for (const [name, value] of Object.entries({ 'content-type': 'application/json', ...headers })) {
      if (value !== '') response.setHeader(name, value);
    }
    response.writeHead(status).end(isRaw ? body : JSON.stringify(body));
  });
  return {
    ...provider,
    received,
    /** Gives these from now on. */
    answerNow: (...next: ScriptedReply[]) => {
      script = next;
      given = 0;
    },
  };
}

/** A server on a port of its own. */
export async function serve(
  listener: RequestListener,
): Promise<{ baseUrl: string; stop(): Promise<void>; server: Server }> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    server,
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A chat completion with this content. */
export const completion = (content: unknown, choice: object = {}, more: object = {}) => ({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  model: 'm',
  choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop', ...choice }],
  usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
  ...more,
});
