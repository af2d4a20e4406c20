import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { Writable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { Router } from 'express';
import { pino } from 'pino';
import { createApp } from '../../src/api/app.ts';
import { BrokerUnavailableError, StoreUnavailableError, UnroutableError } from '../../src/contracts/errors.ts';
import { problem } from '../../src/contracts/http/problem.ts';
import { createHealthRouter } from '../../src/observability/health.ts';
import { logOptions } from '../../src/observability/log.ts';
import { createApiMetrics } from '../../src/observability/metrics.ts';

const metrics = createApiMetrics();
let lines: string[] = [];
const logger = pino(
  { ...logOptions, level: 'trace' },
  new Writable({
    write: (chunk, _encoding, done) => {
      lines.push(String(chunk));
      done();
    },
  }),
);

const failures: Record<string, unknown> = {
  store: new StoreUnavailableError('no store at 10.0.0.1'),
  broker: new BrokerUnavailableError('no broker at 10.0.0.1'),
  unroutable: new UnroutableError('no queue'),
  unforeseen: Object.assign(new Error('secret internals'), { body: 'the text of a question' }),
};
const chat = Router()
  .post('/chat/send', (req, res) => {
    if (req.body?.fail) throw failures[req.body.fail];
    // As routes do once they know whom and what it is about.
    Object.assign(req, { user: { userId: 'u-1' } });
    Object.assign(res.locals, { requestId: 'r-1', sessionId: 's-1' });
    res.json({ body: req.body, traceparent: req.traceparent });
  })
  .get('/chat/session/:sessionId', (req, res) => {
    res.json({ id: req.params.sessionId, ip: req.ip });
  });

const app = createApp({
  version: '1',
  trustProxy: 1,
  health: createHealthRouter({ checks: {}, version: '1' }),
  admin: Router(),
  accounts: undefined,
  chat,
  metrics,
  logger,
});
const server = createServer(app);
let url: string;
beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  lines = [];
});

const post = (body: string | Uint8Array<ArrayBuffer> | undefined, headers: Record<string, string> = {}) =>
  fetch(`${url}/chat/send`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    ...(body !== undefined && { body }),
  });

async function expectProblem(response: Response, status: number, code: string) {
  expect(response.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
  expect(response.headers.get('cache-control')).toBe('no-store');
  const body = problem.parse(await response.json());
  expect({ status: response.status, code: body.code }).toEqual({ status, code });
  expect(body).toMatchObject({ status, type: `/problems/${code}`, traceId: expect.stringMatching(/^[0-9a-f]{32}$/) });
  return body;
}

test.each([
  'application/json',
  'application/json;',
  'application/json ; ',
  'application/json; charset=utf-8',
  'Application/JSON;charset="UTF-8"',
  'application/json; charset=utf8',
  'application/json; charset=',
  'application/json; charset=us-ascii',
  'application/json; charset=iso-8859-1',
  "application/json; charset='utf-8'",
  'application/json, application/json',
  'application/json; odata=verbose',
  'application/json; odata=verbose; charset=utf-8',
  'application/json; profile="https://example.com/a;b"',
  'application/vnd.healify.v1+json',
  'application/ld+json; charset=utf-8',
  'text/json',
])('a JSON body of the type %s is read', async (type) => {
  const response = await post('{"a":"é"}', { 'Content-Type': type });
  expect(await response.json()).toMatchObject({ body: { a: 'é' } });
});

test('a body with a byte order mark is read', async () => {
  expect(await (await post('\ufeff{"a":1}')).json()).toMatchObject({ body: { a: 1 } });
});

test('a body in Latin-1 is read where it says so', async () => {
  const latin1 = new Uint8Array(Buffer.from('{"a":"é"}', 'latin1'));
  const response = await post(latin1, { 'Content-Type': 'application/json; charset=ISO-8859-1' });
  expect(await response.json()).toMatchObject({ body: { a: 'é' } });
});

test('a key that would change every object changes none', async () => {
  await post('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}');
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
});

test('a compressed body is read', async () => {
  const response = await post(new Uint8Array(gzipSync('{"a":1}')), { 'Content-Encoding': 'gzip' });
  expect(await response.json()).toMatchObject({ body: { a: 1 } });
});

test.each([
  ['not JSON', '{"message": ', {}],
  ['a bare value', '"text"', {}],
  ['not UTF-8', new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), {}],
  ['not compressed as it says', '{}', { 'Content-Encoding': 'gzip' }],
  [
    'cut in the middle of its compression',
    new Uint8Array(gzipSync('{"a":1}').subarray(0, 15)),
    { 'Content-Encoding': 'gzip' },
  ],
  ['followed by more', '{} {}', {}],
  ['null', 'null', {}],
  ['a number', '7', { 'Content-Type': 'application/json; charset=us-ascii' }],
  ['blank', '   ', {}],
])('a body that is %s is malformed', async (_name, body, headers) => {
  await expectProblem(await post(body, headers), 400, 'malformed_json');
});

test.each<Record<string, string>>([
  { 'Content-Type': 'text/plain' },
  { 'Content-Type': 'application/x-www-form-urlencoded' },
  { 'Content-Type': 'application/jsonp' },
  { 'Content-Type': 'application/json; charset=utf-16' },
  { 'Content-Type': 'application/json; charset=klingon' },
  { 'Content-Type': 'application/json+x' },
  { 'Content-Type': 'multipart/form-data; boundary=x' },
  { 'Content-Type': '' },
  { 'Content-Encoding': 'compress' },
])('a body with %j is of the wrong type', async (headers) => {
  await expectProblem(await post('{}', headers), 415, 'unsupported_media_type');
});

test('a body that is too large is refused, also when it is so only after decompression', async () => {
  const large = JSON.stringify({ message: 'x'.repeat(200_000) });
  await expectProblem(await post(large), 413, 'payload_too_large');
  await expectProblem(
    await post(new Uint8Array(gzipSync(large)), { 'Content-Encoding': 'gzip' }),
    413,
    'payload_too_large',
  );
});

test.each([
  ['store', 'store_unavailable'],
  ['broker', 'broker_unavailable'],
  ['unroutable', 'broker_unavailable'],
])('without its %s, the API says when to come back', async (fail, code) => {
  const response = await post(JSON.stringify({ fail }));
  expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
  const body = await expectProblem(response, 503, code);
  expect(JSON.stringify(body)).not.toContain('10.0.0.1');
  expect(body.detail).toContain(`${response.headers.get('retry-after')} seconds`);
});

test('an unforeseen error reveals nothing to the caller, and is found in the log by its trace', async () => {
  const body = await expectProblem(await post(JSON.stringify({ fail: 'unforeseen' })), 500, 'internal_error');
  expect(JSON.stringify(body)).not.toContain('secret internals');
  const line = lines.map((text) => JSON.parse(text)).find(({ err }) => err);
  expect(line).toMatchObject({
    traceId: body.traceId,
    clientAddress: '127.0.0.1',
    err: { message: 'secret internals', stack: expect.any(String) },
  });
  expect(lines.join()).not.toContain('the text of a question');
});

test('a line of the log has each id once, and names the user, the client’s address and the question', async () => {
  const { traceparent } = (await (await post('{}')).json()) as { traceparent: string };
  const line = lines.find((text) => text.includes('request completed'))!;
  const known = {
    traceId: traceparent.split('-')[1],
    userId: 'u-1',
    requestId: 'r-1',
    sessionId: 's-1',
    clientAddress: '127.0.0.1',
  };
  expect(JSON.parse(line)).toMatchObject(known);
  for (const name of Object.keys(known)) expect(line.split(`"${name}":`)).toHaveLength(2);
});

test('an unknown address is not found, and a wrong method is answered with the right ones', async () => {
  await expectProblem(await fetch(`${url}/nothing`), 404, 'not_found');
  const response = await fetch(`${url}/chat/session/abc`, { method: 'PUT' });
  expect(response.headers.get('allow')).toBe('GET, DELETE, PATCH, HEAD');
  await expectProblem(response, 405, 'method_not_allowed');
});

test('TRACE sends nothing back', async () => {
  const traced = request(`${url}/chat/send`, { method: 'TRACE', headers: { 'X-Secret': 'of the caller' } }).end();
  const [reply] = await once(traced, 'response');
  const body = (await reply.toArray()).join('');
  expect(reply.statusCode).toBe(405);
  expect(body).not.toContain('of the caller');
});

test('the page of the documentation is read, and nothing else', async () => {
  expect((await fetch(`${url}/docs/`)).status).toBe(200);
  await expectProblem(await fetch(`${url}/docs/`, { method: 'POST' }), 404, 'not_found');
  const traced = request(`${url}/docs/runbooks/HealifyWorkerMissing.md`, { method: 'TRACE' }).end();
  const [reply] = await once(traced, 'response');
  expect([reply.statusCode, reply.headers.allow]).toEqual([405, 'GET, HEAD']);
  reply.resume();
});

test('a path is decoded once', async () => {
  const response = await fetch(`${url}/chat/session/a%252Fb%2563`);
  expect(await response.json()).toMatchObject({ id: 'a%2Fb%63' });
});

test('a path with a broken percent-encoding is not found', async () => {
  await expectProblem(await fetch(`${url}/chat/session/%E0%A4%A`), 404, 'not_found');
});

test('a trace is continued, and a malformed one replaced', async () => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  expect(await (await post('{}', { traceparent })).json()).toMatchObject({ traceparent });
  const fresh = (await (await post('{}', { traceparent: 'zz' })).json()) as { traceparent: string };
  expect(fresh.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
});

test('the log tells method, path and status, and nothing that was in the request', async () => {
  await (
    await fetch(`${url}/chat/session/s1?token=in-query`, {
      headers: { Authorization: 'Bearer in-header', Cookie: 'healify_admin=in-cookie' },
    })
  ).text();
  await (await post('{"message":"in-body"}')).text();
  await (await fetch(`${url}/health/live`)).text();
  expect(lines).toHaveLength(2);
  expect(JSON.parse(lines[0]!)).toMatchObject({
    req: { method: 'GET', path: '/chat/session/s1' },
    res: { status: 200 },
    traceId: expect.any(String),
  });
  expect(lines.join()).not.toMatch(/in-query|in-header|in-cookie|in-body/);
});

test('requests are measured by route, and refused questions by reason', async () => {
  await (await fetch(`${url}/chat/session/some-id`)).text();
  await (await fetch(`${url}/no/such/thing`)).text();
  await (await post('{')).text();
  const text = await metrics.registry.metrics();
  expect(text).toMatch(
    /http_request_duration_seconds_count\{.*method="GET",route="\/chat\/session\/\{sessionId\}",status="200"/,
  );
  expect(text).toMatch(/route="other",status="404"/);
  expect(text).toMatch(/healify_requests_refused_total\{.*code="malformed_json"/);
  expect(text).not.toContain('some-id');
});

test('a caller that goes away within its body leaves the API as it was', async () => {
  const { port } = server.address() as AddressInfo;
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write(
    'POST /chat/send HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"a"',
  );
  socket.destroy();
  await once(socket, 'close');
  expect((await post('{}')).status).toBe(200);
});

test.each([
  ['two lengths', 'Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}'],
  ['a length and chunks', 'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n'],
  ['an unknown encoding of its body', 'Transfer-Encoding: chunked, identity\r\n\r\n{}'],
  ['a header with a blank before its colon', 'Content-Length : 2\r\n\r\n{}'],
])('a request with %s is refused, because others may see another end of it', async (_, rest) => {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(`POST /chat/send HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${rest}`);
  const [reply] = await once(socket.setEncoding('latin1'), 'data');
  expect(reply).toMatch(/^HTTP\/1\.1 400 /);
  socket.destroy();
});

test('nothing of an answer may be framed, sniffed or scripted', async () => {
  const { headers } = await post('{}');
  expect(headers.get('content-security-policy')).toBe("default-src 'none';frame-ancestors 'none'");
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  expect(headers.get('strict-transport-security')).toBe('max-age=31536000; includeSubDomains');
  expect(headers.get('referrer-policy')).toBe('no-referrer');
  expect(headers.get('cache-control')).toBe('no-store');
  expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
  expect(headers.has('x-powered-by')).toBe(false);
  expect(headers.has('etag')).toBe(false);
});

test('the client address is the one that the trusted proxy saw', async () => {
  const response = await fetch(`${url}/chat/session/a`, { headers: { 'X-Forwarded-For': '6.6.6.6, 203.0.113.9' } });
  expect(await response.json()).toMatchObject({ ip: '203.0.113.9' });
});

test('a chunked body without a type is of the wrong type', async () => {
  const req = request(`${url}/chat/send`, { method: 'POST', headers: { 'Transfer-Encoding': 'chunked' } });
  req.end('{}');
  const [response] = await once(req, 'response');
  expect(response.statusCode).toBe(415);
  response.resume();
});
