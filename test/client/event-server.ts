import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AnswerEvent } from '../../src/contracts/answer-events.ts';
import { serve } from '../scripted-provider.ts';

/** What a connection does before it sends events: refuse, or nothing in particular. */
export interface Behaviour {
  /** The reply is this and no stream. */
  refuse?: { status: number; code: string; retryAfter?: string };
  /** Bytes after which the connection breaks off. */
  cutAfter?: number;
  /** Sent before everything else. */
  first?: string;
  /** Sends what it has, and then neither anything more nor an end. */
  hang?: boolean;
}

/** A server that streams one answer log, as docs/protocol.md says, and breaks connections as it is told. */
export async function startEventServer(log: readonly AnswerEvent[], behaviours: Behaviour[] = []) {
  const asked: { url: string; lastEventId: string | undefined; atMs: number }[] = [];
  const { baseUrl, stop } = await serve(async (request, response) => {
    const lastEventId = request.headers['last-event-id'] as string | undefined;
    asked.push({ url: request.url!, lastEventId, atMs: performance.now() });
    const { refuse, first = '', cutAfter, hang } = behaviours.shift() ?? {};
    if (refuse) {
      if (refuse.retryAfter) response.setHeader('retry-after', refuse.retryAfter);
      response.writeHead(refuse.status, { 'content-type': 'application/problem+json' });
      response.end(JSON.stringify({ code: refuse.code, detail: 'no' }));
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const after = Number(lastEventId ?? -1);
    const events = log.map((event, number) => (number > after ? frameOf(number, event) : '')).join('');
    const bytes = Buffer.from(`: open\n\n${first}${events}`);
    if (hang) response.write(bytes);
    else if (cutAfter !== undefined && cutAfter < bytes.length) await breakOff(response, bytes.subarray(0, cutAfter));
    else response.end(bytes);
  });
  return { url: new URL(baseUrl).origin, asked, stop };
}

const frameOf = (number: number, event: AnswerEvent) =>
  `id: ${number}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;

async function breakOff(response: ServerResponse, bytes: Uint8Array): Promise<void> {
  if (!response.write(bytes)) await once(response, 'drain');
  // The bytes must have left before the connection is torn down.
  await sleep(5);
  response.destroy();
}
