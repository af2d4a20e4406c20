import { once } from 'node:events';
import fc from 'fast-check';
import { WebSocket } from 'ws';
import { apiErrors } from '../src/contracts/error-codes.ts';
import { type ServerMessage, serverMessage, socketCloses } from '../src/contracts/http/socket-messages.ts';
import { asJson, odd } from './odd-values.ts';

/** What one connection sends: messages as text, or bytes. */
type Sent = string | Uint8Array;

const REPLY_TIMEOUT_MS = 20_000;
/** The codes that a connection may end with: ours, and those of the WebSocket protocol for frames that are too large or no UTF-8. */
const CODES = new Set<number>([1000, 1005, 1007, 1009, ...Object.values(socketCloses).map(({ code }) => code)]);

/**
 * Sends fuzzed messages over WebSockets. After them each connection must still answer a ping, or have ended with a code that
 * is documented.
 * @returns how many connections ended with which code, and how many messages of each type came
 * @throws the failure that fast-check found, with the smallest counterexample
 */
export async function fuzzSocket(options: {
  apiUrl: string;
  token: string;
  known: string[];
  connections: number;
  seed: number;
}): Promise<Record<string, number>> {
  const { apiUrl, token, known, connections, seed } = options;
  const seen: Record<string, number> = {};
  const count = (name: string) => {
    seen[name] = (seen[name] ?? 0) + 1;
  };
  const property = fc.asyncProperty(fc.boolean(), fc.array(sentOf(known), { maxLength: 12 }), async (first, sent) => {
    const { messages, code } = await talk(apiUrl, first ? token : undefined, sent);
    for (const message of messages) {
      count(message.type);
      if (message.type !== 'problem') continue;
      const { code, status } = message.problem;
      if (!(code in apiErrors) || (status >= 500 && status !== 503)) throw new Error(JSON.stringify(message));
    }
    count(String(code));
    if (!CODES.has(code)) throw new Error(`closed with ${code}`);
  });
  await fc.assert(property, { numRuns: connections, seed });
  return seen;
}

/** Sends all, and then a ping. Closes the connection after the pong, unless the api has closed it. */
async function talk(apiUrl: string, token: string | undefined, sent: readonly Sent[]) {
  const socket = new WebSocket(`${apiUrl.replace('http', 'ws')}/chat/ws`);
  const closed = once(socket, 'close', { signal: AbortSignal.timeout(REPLY_TIMEOUT_MS) });
  // It is awaited only after the messages were sent.
  closed.catch(() => {});
  const messages: ServerMessage[] = [];
  socket.on('message', (data) => {
    const message = serverMessage.parse(JSON.parse(String(data)));
    messages.push(message);
    if (message.type === 'pong' && message.id === 'the last') socket.close();
  });
  await once(socket, 'open');
  if (token !== undefined) socket.send(JSON.stringify({ type: 'authenticate', token }));
  for (const each of sent) socket.send(each);
  socket.send(JSON.stringify({ type: 'ping', id: 'the last' }));
  const [code] = (await closed) as [number];
  return { messages, code };
}

const types = ['authenticate', 'ask', 'subscribe', 'unsubscribe', 'stop', 'ping', 'dance', '__proto__'];

function sentOf(known: string[]): fc.Arbitrary<Sent> {
  const id = fc.oneof(fc.constantFrom('a', 'b'), odd);
  const entity = fc.oneof(fc.constantFrom(...known), fc.uuid(), odd);
  const message = fc.record(
    {
      type: fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...types) }, { weight: 1, arbitrary: odd }),
      id,
      token: odd,
      ticket: odd,
      requestId: entity,
      sessionId: entity,
      after: fc.oneof(fc.integer({ min: -2, max: 5 }), odd),
      question: fc.oneof(fc.record({ message: fc.string({ minLength: 1, maxLength: 100 }) }), odd),
      idempotencyKey: fc.oneof(fc.stringMatching(/^[\x21-\x7e]{1,20}$/), odd),
      traceparent: odd,
    },
    { requiredKeys: ['type'] },
  );
  // Messages with the fields of their type, so that many get past the first check.
  const wellFormed = fc.oneof(
    fc.record({ type: fc.constant('subscribe'), id, requestId: entity, after: fc.integer({ min: -1, max: 5 }) }),
    fc.record({ type: fc.constant('subscribe'), id, sessionId: entity }),
    fc.record({ type: fc.constant('unsubscribe'), id }),
    fc.record({ type: fc.constant('stop'), id, requestId: entity }),
    fc.record({ type: fc.constant('ask'), id, question: fc.record({ message: fc.string({ minLength: 1 }) }) }),
  );
  return fc.oneof(
    { weight: 6, arbitrary: wellFormed.map(asJson) },
    { weight: 6, arbitrary: message.map(asJson) },
    { weight: 1, arbitrary: odd.map(asJson) },
    { weight: 1, arbitrary: fc.string() },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 50 }) },
    { weight: 1, arbitrary: fc.constant('x'.repeat(200_000)) },
  );
}
