import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { createSecureServer } from 'node:http2';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { Agent, type Dispatcher } from 'undici';
import { createDispatcher } from '../../../../src/adapters/model/http/dispatcher.ts';
import { createWholeFetch, isCutResponse } from '../../../../src/adapters/model/http/whole-fetch.ts';
import { createModelProvider } from '../../../../src/adapters/model/model-provider.ts';
import { completion, startScriptedProvider } from '../../../scripted-provider.ts';
import { certificate } from '../../../test-certificate.ts';

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

const never = new AbortController().signal;
const ok = completion('42');

const ask = (baseUrl: string, dispatcher: Dispatcher) =>
  createModelProvider({
    ...{ name: 'p', baseUrl, apiKey: 'k', model: 'm', systemPrompt: '', temperature: undefined, maxTokens: 9 },
    ...{ timeoutMs: 10_000, promptPrice: undefined, completionPrice: undefined, dispatcher },
  }).ask({ message: 'Hi', context: [] }, never);

async function provider() {
  const started = await startScriptedProvider({ body: ok });
  stops.push(started.stop);
  return started;
}

/** A proxy that forwards plain requests and opens tunnels, and lists their hosts. */
async function startProxy() {
  const asked: string[] = [];
  const server: Server = createServer(async (request, response) => {
    asked.push(`${request.method} ${request.url}`);
    const sent = Buffer.concat(await request.toArray());
    const reply = await fetch(request.url!, {
      method: request.method!,
      headers: { 'content-type': 'application/json' },
      body: sent,
    });
    response.writeHead(reply.status, { 'content-type': 'application/json' }).end(await reply.text());
  });
  server.on('connect', (request, socket) => {
    asked.push(`CONNECT ${request.url}`);
    const [host, port] = request.url!.split(':');
    const target = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      target.pipe(socket).pipe(target);
    });
    for (const end of [target, socket]) end.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  stops.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { asked, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const closing = (dispatcher: Dispatcher) => {
  stops.push(() => dispatcher.destroy());
  return dispatcher;
};

describe('behind a proxy', () => {
  test('a question reaches the model through it, and not where the host is an exception', async () => {
    const [model, proxy] = [await provider(), await startProxy()];
    const through = closing(createDispatcher({ httpProxy: proxy.url, httpsProxy: proxy.url }));
    expect((await ask(model.baseUrl, through)).response).toBe('42');
    expect(proxy.asked).toHaveLength(1);
    expect(proxy.asked[0]).toContain(new URL(model.baseUrl).host);
    const direct = closing(createDispatcher({ httpProxy: proxy.url, noProxy: 'example.com, 127.0.0.1' }));
    expect((await ask(model.baseUrl, direct)).response).toBe('42');
    expect(proxy.asked).toHaveLength(1);
  });

  test('an https address is reached through a tunnel', async () => {
    const [model, proxy] = [await secureProvider(), await startProxy()];
    const dispatcher = closing(createDispatcher({ httpsProxy: proxy.url }));
    // No authority has signed the test's certificate. It only matters that the tunnel was opened.
    await expect(ask(model.baseUrl, dispatcher)).rejects.toMatchObject({ code: 'model_unreachable' });
    expect(proxy.asked).toEqual([`CONNECT ${new URL(model.baseUrl).host}`]);
  });

  test('a proxy that is not there is a connection that failed: nothing was charged', async () => {
    const model = await provider();
    const dispatcher = closing(createDispatcher({ httpProxy: 'http://127.0.0.1:9' }));
    await expect(ask(model.baseUrl, dispatcher)).rejects.toMatchObject({
      code: 'model_unreachable',
      mayBeCharged: false,
    });
  });
});

/** Speaks HTTP/2 and HTTP/1.1 over TLS. */
async function secureProvider() {
  const versions: string[] = [];
  const server = createSecureServer({ ...certificate, allowHTTP1: true }, (request, response) => {
    versions.push(request.httpVersion);
    request.resume();
    request.on('end', () => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(ok));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  stops.push(() => server.close());
  return { versions, baseUrl: `https://127.0.0.1:${(server.address() as AddressInfo).port}/v1` };
}

describe('over TLS', () => {
  test.each([
    [true, '2.0'],
    [false, '1.1'],
  ])('a question is answered (HTTP/2 allowed: %p)', async (allowH2, version) => {
    const model = await secureProvider();
    const dispatcher = closing(new Agent({ connect: { rejectUnauthorized: false }, allowH2 }));
    expect((await ask(model.baseUrl, dispatcher)).response).toBe('42');
    expect((await ask(model.baseUrl, dispatcher)).response).toBe('42');
    expect(model.versions).toEqual([version, version]);
  });

  test('a certificate of no known authority is a failed connection: nothing was charged', async () => {
    const model = await secureProvider();
    await expect(ask(model.baseUrl, closing(createDispatcher()))).rejects.toMatchObject({
      code: 'model_unreachable',
      mayBeCharged: false,
    });
    expect(model.versions).toEqual([]);
  });
});

describe('the contract of fetch', () => {
  const fetchFrom = (maxBytes = 1_000) => createWholeFetch({ dispatcher: closing(createDispatcher()), maxBytes });

  test('gives a Response with all its headers, those that come twice as well', async () => {
    const model = await startScriptedProvider({ status: 418, body: 'é', headers: { 'x-twice': ['a', 'b'] } });
    stops.push(model.stop);
    const response = await fetchFrom()(model.baseUrl, { method: 'POST', body: '{}' });
    expect(response).toBeInstanceOf(Response);
    expect(response).toMatchObject({ status: 418, ok: false });
    expect(response.headers.get('x-twice')).toBe('a, b');
    expect(await response.text()).toBe('é');
  });

  test('gives a body in every way that a Response has, and once', async () => {
    const model = await startScriptedProvider({ body: '{"a":"é"}', headers: { 'content-type': 'application/json' } });
    stops.push(model.stop);
    const get = () => fetchFrom()(model.baseUrl, { method: 'POST', body: '{}' });
    expect((await get()).url).toBe(model.baseUrl);
    expect(await (await get()).json()).toEqual({ a: 'é' });
    expect(Buffer.from(await (await get()).arrayBuffer()).toString()).toBe('{"a":"é"}');
    expect(await (await get()).blob()).toMatchObject({ size: 10, type: 'application/json' });
    const streamed = await get();
    const copy = streamed.clone();
    expect(await new Response(streamed.body).text()).toBe('{"a":"é"}');
    expect(await copy.text()).toBe('{"a":"é"}');
    for (const read of [streamed, await get()]) {
      if (!read.bodyUsed) await read.text();
      expect(read.bodyUsed).toBe(true);
      await expect(read.text()).rejects.toMatchObject({ name: 'TypeError' });
      await expect(read.arrayBuffer()).rejects.toMatchObject({ name: 'TypeError' });
    }
  });

  test('reads no more than it may, and says that there was more', async () => {
    const model = await startScriptedProvider({ body: 'x'.repeat(100_000) });
    stops.push(model.stop);
    const response = await fetchFrom(1_000)(model.baseUrl, { method: 'POST', body: '{}' });
    expect(isCutResponse(response)).toBe(true);
    expect(await response.text()).toHaveLength(1_000);
  });

  test('rejects with the reason of its signal, or with a TypeError that has the cause', async () => {
    const model = await provider();
    const reason = new Error('enough');
    await expect(fetchFrom()(model.baseUrl, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const failed = await fetchFrom()('http://127.0.0.1:9/').catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(TypeError);
    expect((failed as Error).cause).toMatchObject({ code: 'ECONNREFUSED' });
  });
});
