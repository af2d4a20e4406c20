import { afterAll, expect, test } from '@jest/globals';
import { createChatClient } from '../../src/client/chat-client.ts';
import { type ScriptedReply, serve, startScriptedProvider } from '../scripted-provider.ts';

const servers: { stop(): Promise<void> }[] = [];
afterAll(() => Promise.all(servers.map((server) => server.stop())));

async function start(...replies: ScriptedReply[]) {
  const server = await startScriptedProvider(...replies);
  servers.push(server);
  return {
    received: server.received,
    client: createChatClient({ baseUrl: new URL('/', server.baseUrl).href, token: 'secret' }),
  };
}

const accepted = { status: 202, body: { requestId: 'r-1', sessionId: 's-1', status: 'queued' } };
const problem = (status: number, code: string, more: ScriptedReply = {}): ScriptedReply => ({
  status,
  body: { code, detail: 'Do this.' },
  ...more,
});

test('a question that is sent again has the same idempotency key, and a new one has another', async () => {
  const { client, received } = await start(problem(500, 'internal_error'), problem(503, 'overloaded'), accepted);
  expect(await client.send({ message: 'Hello', stream: true })).toEqual(accepted.body);
  const keys = received.map(({ headers }) => headers['idempotency-key']);
  expect(keys.length).toBe(3);
  expect(new Set(keys).size).toBe(1);
  expect(received[0]).toMatchObject({
    method: 'POST',
    body: { message: 'Hello', stream: true },
    headers: { authorization: 'Bearer secret' },
  });
  await client.send({ message: 'Hello' });
  expect(received[3]?.headers['idempotency-key']).not.toBe(keys[0]);
});

test('a question whose connection was lost is sent again with the same key', async () => {
  const keys: unknown[] = [];
  const server = await serve((request, response) => {
    keys.push(request.headers['idempotency-key']);
    if (keys.length < 3) request.socket.destroy();
    else response.writeHead(202).end(JSON.stringify(accepted.body));
  });
  servers.push(server);
  const client = createChatClient({ baseUrl: server.baseUrl, token: 'secret' });
  expect(await client.send({ message: 'Hello' }, { idempotencyKey: 'mine' })).toEqual(accepted.body);
  expect(keys).toEqual(['mine', 'mine', 'mine']);
});

test('a question that is wrong is not sent again, and the error says what to do', async () => {
  const { client, received } = await start({
    status: 400,
    body: {
      code: 'validation_failed',
      detail: 'Correct it.',
      errors: [{ path: 'message', message: 'must not be blank' }],
    },
  });
  await expect(client.send({ message: ' ' })).rejects.toMatchObject({
    name: 'ChatError',
    code: 'validation_failed',
    message: 'Correct it.',
    fields: [{ path: 'message', message: 'must not be blank' }],
    retryable: false,
  });
  expect(received.length).toBe(1);
});

test('a long pause that the api asks for is left to the caller', async () => {
  const { client, received } = await start(problem(429, 'rate_limited', { headers: { 'retry-after': '42' } }));
  await expect(client.me()).rejects.toMatchObject({ code: 'rate_limited', retryAfterMs: 42_000, retryable: true });
  expect(received.length).toBe(1);
});

test('a reply of something that is not the api is an error, not a crash', async () => {
  const { client } = await start({ status: 404, headers: { 'content-type': 'text/html' }, body: '<h1>Nginx</h1>' });
  await expect(client.me()).rejects.toMatchObject({ code: 'unreadable_reply', status: 404 });
});

test('ids are escaped in addresses, and parameters without a value are left out', async () => {
  const { client, received } = await start({ status: 200, body: {} });
  await client.session('a/../b?', { limit: 5, cursor: undefined });
  await client.sessions({ search: 'ä&b' });
  expect(received.map(({ path }) => path)).toEqual([
    '/chat/session/a%2F..%2Fb%3F?limit=5',
    '/chat/sessions?search=%C3%A4%26b',
  ]);
});

test('a token that the api refuses is made new once', async () => {
  const server = await startScriptedProvider(problem(401, 'unauthenticated'), { status: 200, body: { userId: 'u-1' } });
  servers.push(server);
  const asked: (string | undefined)[] = [];
  const client = createChatClient({
    baseUrl: server.baseUrl,
    token: (refused) => {
      asked.push(refused);
      return refused ? 'new' : 'old';
    },
  });
  expect(await client.me()).toMatchObject({ userId: 'u-1' });
  expect(asked).toEqual([undefined, 'old']);
  expect(server.received.map(({ headers }) => headers.authorization)).toEqual(['Bearer old', 'Bearer new']);
});

test('a caller who has lost patience gets their own reason', async () => {
  const { client } = await start(problem(503, 'overloaded'));
  const patience = new AbortController();
  setTimeout(() => patience.abort(new Error('no patience')), 20);
  await expect(client.send({ message: 'Hello' }, { signal: patience.signal })).rejects.toThrow('no patience');
});
