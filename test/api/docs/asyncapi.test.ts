import { once } from 'node:events';
import { createRequire } from 'node:module';
import { expect, test } from '@jest/globals';
import { Ajv } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import fc from 'fast-check';
import { createAsyncApiDocument } from '../../../src/api/docs/asyncapi.ts';
import { createMessageSchemas } from '../../../src/api/docs/message-schemas.ts';
import { createDocsRouter } from '../../../src/api/docs/routes.ts';
import { queueArguments } from '../../../src/contracts/queues.ts';
import { readChatRequest } from '../../../src/contracts/read-chat-request.ts';
import { readChatResponse } from '../../../src/contracts/read-chat-response.ts';
import { UnreadableMessage } from '../../../src/contracts/read-message.ts';

const document = createAsyncApiDocument({ version: '1.2.3' });
const schemas = createMessageSchemas();
const formats = addFormats as unknown as (ajv: object) => void;

function validator(name: keyof typeof schemas) {
  const ajv = new Ajv2020({ strict: false });
  formats(ajv);
  return ajv.compile(schemas[name]);
}

test('it is a valid AsyncAPI 3 document', () => {
  const require = createRequire(import.meta.url);
  const ajv = new Ajv({ strict: false, allErrors: true, unicodeRegExp: false });
  formats(ajv);
  const validate = ajv.compile(require('@asyncapi/specs/schemas/3.0.0-without-$id.json'));
  validate(JSON.parse(JSON.stringify(document)));
  expect(validate.errors).toBeNull();
  expect(document.info).toMatchObject({ version: '1.2.3' });
});

test('every reference in it leads somewhere, and every queue is there', () => {
  const text = JSON.stringify(document);
  const references = [...text.matchAll(/"\$ref":"#\/((?:channels|components|operations)[^"]*)"/g)].map(
    ([, path]) => path!,
  );
  expect(references.length).toBeGreaterThan(10);
  for (const path of references) {
    const target = path.split('/').reduce<unknown>((node, part) => (node as Record<string, unknown>)?.[part], document);
    expect({ path, target }).toMatchObject({ target: {} });
  }
  const addresses = Object.values(document.channels).map(({ address }) => address);
  expect(addresses).toEqual(expect.arrayContaining(Object.keys(queueArguments)));
});

const smallest = { sessionId: 's-1', userId: 'u-1', message: 'Hello?' };
const answer = {
  ...{ requestId: 'r-1', sessionId: 's-1', userId: 'u-1', status: 'completed', response: 'So.', attempts: 1 },
  ...{ timings: { waitMs: 0, modelMs: 1, totalMs: 1 }, completedAt: '2026-01-31T12:00:00Z' },
};

test.each([
  ['the smallest question', smallest],
  [
    'every optional field null',
    { ...smallest, requestId: null, context: null, cache: null, deadline: null, model: null },
  ],
  ['an earlier turn', { ...smallest, context: [{ role: 'user', content: 'Hi' }], deadline: '2026-01-31T12:00:00Z' }],
  ['a field that is not ours', { ...smallest, locale: 'de' }],
])('what the schema of requests takes is read: %s', (_, message) => {
  const validate = validator('chat-request.json');
  expect({ valid: validate(message), errors: validate.errors }).toEqual({ valid: true, errors: null });
  expect(readChatRequest({ body: Buffer.from(JSON.stringify(message)) })).toMatchObject(smallest);
});

test.each([
  ['no message', { ...smallest, message: undefined }],
  ['a number for an id', { ...smallest, userId: 7 }],
  ['a role that is not ours', { ...smallest, context: [{ role: 'system', content: 'obey' }] }],
  ['a deadline that cannot be read', { ...smallest, deadline: 'tomorrow' }],
])('what the schema of requests refuses is refused: %s', (_, message) => {
  expect(validator('chat-request.json')(JSON.parse(JSON.stringify(message)))).toBe(false);
  expect(() => readChatRequest({ body: Buffer.from(JSON.stringify(message)) })).toThrow();
});

/** Values that a schema says something about: what a type, a limit, a format and null make of them. */
const value = fc.oneof(
  fc.constantFrom<unknown>(null, '', ' ', '1', 0, 1, -1, 1.5, true, false, [], {}, 'x'.repeat(129), 'x'.repeat(20_000)),
  fc.constantFrom<unknown>('2016-12-31T23:59:60Z', '2026-01-31T12:00:00.1234567890+02:00', '2026-02-30T12:00:00Z'),
  fc.constantFrom<unknown>('completed', 'failed', 'stop', 'interactive', 'tomorrow', 1e15, 2 ** 60),
  fc.record({
    code: fc.constantFrom('internal_error', 'model_timeout', 'x'),
    message: fc.string(),
    retryable: fc.boolean(),
  }),
  fc.record({ promptTokens: fc.integer(), completionTokens: fc.nat(), totalTokens: fc.nat() }),
  fc.array(fc.record({ role: fc.constantFrom('user', 'system'), content: fc.string() }), { maxLength: 2 }),
  fc.string(),
);
const changed = (message: object, name: keyof typeof schemas) =>
  fc
    .array(fc.tuple(fc.constantFrom(...Object.keys(schemas[name].properties ?? {}), 'theirs'), value), { maxLength: 4 })
    .map((changes) => ({ ...message, ...Object.fromEntries(changes) }));
const isRead = (read: () => unknown) => {
  try {
    read();
    return true;
  } catch (error) {
    if (error instanceof UnreadableMessage) return false;
    throw error;
  }
};

test('everything that the schemas accept is read', () => {
  const [takesRequest, takesResponse] = [validator('chat-request.json'), validator('chat-response.json')];
  let [requests, responses] = [0, 0];
  const check = fc.property(
    changed(smallest, 'chat-request.json'),
    changed(answer, 'chat-response.json'),
    (ask, reply) => {
      const [request, response] = [ask, reply].map((message) => Buffer.from(JSON.stringify(message)));
      if (takesRequest(ask)) {
        requests += 1;
        expect({ ask, read: isRead(() => readChatRequest({ body: request! })) }).toMatchObject({ read: true });
      }
      if (takesResponse(reply)) {
        responses += 1;
        expect({ reply, read: isRead(() => readChatResponse({ body: response! })) }).toMatchObject({ read: true });
      }
    },
  );
  fc.assert(check, { numRuns: 5_000 });
  expect(Math.min(requests, responses)).toBeGreaterThan(500);
});

test('everything that the schema of responses accepts is read', () => {
  const validate = validator('chat-response.json');
  for (const message of [answer, { ...answer, model: null, usage: null, error: null, cached: true }]) {
    expect({ valid: validate(message), errors: validate.errors }).toEqual({ valid: true, errors: null });
    expect(readChatResponse({ body: Buffer.from(JSON.stringify(message)) })).toMatchObject({ response: 'So.' });
  }
  expect(validate({ ...answer, status: 'done' })).toBe(false);
});

test('they are served beside the OpenAPI document', async () => {
  const { default: express } = await import('express');
  const app = express().use(createDocsRouter({ openapi: '3.1.1', info: { title: 'healify-chat', version: '1.2.3' } }));
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address() as { port: number };
  const get = async (path: string) => (await fetch(`http://127.0.0.1:${address.port}${path}`)).json();
  expect(await get('/asyncapi.json')).toEqual(JSON.parse(JSON.stringify(document)));
  for (const name of Object.keys(schemas)) {
    expect(await get(`/schemas/${name}`)).toMatchObject({ $id: `/schemas/${name}`, type: 'object' });
  }
  server.close();
});
