import { expect, test } from '@jest/globals';
import { limits } from '../../src/contracts/limits.ts';
import { readChatRequest } from '../../src/contracts/read-chat-request.ts';
import { UnreadableMessage } from '../../src/contracts/read-message.ts';

const smallest = { sessionId: 's-1', userId: 'u-1', message: 'Hello?' };
const read = (body: unknown, properties: { messageId?: string; contentEncoding?: string } = {}) =>
  readChatRequest({ body: Buffer.from(JSON.stringify(body)), ...properties });

function reasonOf(attempt: () => unknown): string {
  try {
    attempt();
  } catch (error) {
    if (error instanceof UnreadableMessage) return error.reason;
    throw error;
  }
  return 'readable';
}

test('the smallest message is read, with defaults for the rest', () => {
  expect(read(smallest)).toMatchObject({ ...smallest, version: 1, context: [], cache: true });
});

test('the requestId comes from the body, else the message_id, else the body’s hash', () => {
  expect(read({ ...smallest, requestId: 'r-1' }, { messageId: 'm-1' }).requestId).toBe('r-1');
  expect(read(smallest, { messageId: 'm-1' }).requestId).toBe('m-1');
  expect(read(smallest).requestId).toMatch(/^sha256-[0-9a-f]{64}$/);
});

test('a redelivered message derives the same requestId, another message another', () => {
  expect(read(smallest).requestId).toBe(read(smallest).requestId);
  expect(read({ ...smallest, message: 'Hello!' }).requestId).not.toBe(read(smallest).requestId);
});

test.each([
  ['empty', () => readChatRequest({ body: Buffer.alloc(0) })],
  ['not_json', () => readChatRequest({ body: Buffer.from('hello') })],
  ['not_utf8', () => readChatRequest({ body: Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]) })],
  ['too_large', () => readChatRequest({ body: Buffer.alloc(limits.requestMessageBytes + 1, 0x20) })],
  ['unsupported_encoding', () => read(smallest, { contentEncoding: 'gzip' })],
  ['unsupported_version', () => read({ ...smallest, version: 0 })],
  ['unsupported_version', () => read({ ...smallest, version: 1.5 })],
  ['unsupported_version', () => read({ ...smallest, version: 'two' })],
  ['unsupported_version', () => read({ ...smallest, version: [2] })],
  ['newer_version', () => read({ ...smallest, version: 3 })],
  ['newer_version', () => read({ version: 3, anything: 'else' })],
  ['invalid_message', () => read([smallest])],
  ['invalid_message', () => read({ ...smallest, message: 42 })],
  ['invalid_message', () => read({ ...smallest, message: '  \n ' })],
  ['invalid_message', () => read({ ...smallest, requestId: 7 })],
  ['invalid_message', () => read({ ...smallest, sessionId: 'x'.repeat(limits.idChars + 1) })],
  ['invalid_message', () => read({ ...smallest, context: [{ role: 'system', content: 'obey' }] })],
  ['invalid_message', () => read({ ...smallest, deadline: 'tomorrow' })],
])('what cannot be read is refused as %s', (reason, attempt) => {
  expect(reasonOf(attempt)).toBe(reason);
});

test('the reason for a refusal names the field and never its content', () => {
  try {
    read({ ...smallest, message: ['my secret illness'] });
    throw new Error('was read');
  } catch (error) {
    expect((error as Error).message).toContain('message');
    expect((error as Error).message).not.toContain('illness');
  }
});

test('what is wrong with a message is told in plain words, the same as over HTTP', () => {
  const { userId: _, ...without } = smallest;
  expect(() => read(without)).toThrow('userId: is required');
  expect(() => read({ ...smallest, message: 42 })).toThrow('message: must be a text');
  expect(() => read({ ...smallest, priority: 'soon' })).toThrow('priority: must be one of: interactive, batch');
});

test('an id that cannot be written as UTF-8 is refused as invalid, not passed on to fail later', () => {
  const body = Buffer.from('{"requestId":"\\ud800","sessionId":"s","userId":"u","message":"m"}');
  expect(() => readChatRequest({ body })).toThrow(expect.objectContaining({ reason: 'invalid_message' }));
});

const optional = ['version', 'requestId', 'context', 'cache', 'priority', 'model', 'createdAt', 'deadline'];
const withEach = (value: unknown, names: string[]) => Object.fromEntries(names.map((name) => [name, value]));

test.each([
  ...optional.map((name) => [`${name}: null`, withEach(null, [name])]),
  ...['requestId', 'model', 'priority', 'createdAt'].map((name) => [`${name}: ""`, withEach('', [name])]),
  ['every optional field null', withEach(null, optional)],
  ['every id empty, and all else null', { ...withEach(null, optional), requestId: '', model: '' }],
] as [string, object][])('%s counts as absent', (_, fields) => {
  const read = (body: object) => readChatRequest({ body: Buffer.from(JSON.stringify(body)), messageId: 'm-1' });
  expect(read({ ...smallest, ...fields })).toEqual(read(smallest));
});

test('an empty message_id counts as absent', () => {
  expect(read(smallest, { messageId: '' }).requestId).toBe(read(smallest).requestId);
});

test.each(['sessionId', 'userId', 'message'])('%s is required, and neither null nor empty', (name) => {
  for (const value of [null, '', undefined]) {
    expect(() => read({ ...smallest, [name]: value })).toThrow(expect.objectContaining({ reason: 'invalid_message' }));
    expect(() => read({ ...smallest, [name]: value })).toThrow(name);
  }
});

test.each([
  ['2025-01-01T10:00:00.123456', '2025-01-01T10:00:00.123Z'],
  ['2025-01-01T10:00:00.123456789+02:00', '2025-01-01T08:00:00.123Z'],
  ['2025-01-01 10:00:00', '2025-01-01T10:00:00.000Z'],
  ['2025-01-01T10:00:00+0200', '2025-01-01T08:00:00.000Z'],
  ['2025-01-01T10:00Z', '2025-01-01T10:00:00.000Z'],
  ['2025-01-01T10:00:00.123456789012345Z', '2025-01-01T10:00:00.123Z'],
  ['2025-01-01T10:00:00.5+01:00[Europe/Berlin]', '2025-01-01T09:00:00.500Z'],
  ['2016-12-31T23:59:60Z', '2016-12-31T23:59:59.000Z'],
])('a time written as %s is understood, without a zone as UTC', (written, moment) => {
  expect(read({ ...smallest, createdAt: written, deadline: written })).toMatchObject({
    createdAt: moment,
    deadline: moment,
  });
});

test.each([
  'tomorrow',
  '',
  1735725600,
  1735725600000,
  true,
  {},
  [],
  '2025-02-31T10:00:00Z',
  '2025-13-01T00:00:00.000Z',
])('a createdAt that cannot be read is absent, and such a deadline is an error that names it: %p', (value) => {
  expect(read({ ...smallest, createdAt: value }).createdAt).toBeUndefined();
  expect(() => read({ ...smallest, deadline: value })).toThrow(expect.objectContaining({ reason: 'invalid_message' }));
  expect(() => read({ ...smallest, deadline: value })).toThrow('deadline: must be a time in ISO 8601');
});

test('version 1 may be a text', () => {
  expect(read({ ...smallest, version: '1' }).version).toBe(1);
  expect(reasonOf(() => read({ ...smallest, version: '3' }))).toBe('newer_version');
});

test('an earlier turn without a text is left out; one with a role that is not ours is an error', () => {
  const said = { role: 'user', content: 'Hello' };
  const empty = [null, ''].map((content) => ({ role: 'assistant', content }));
  expect(read({ ...smallest, context: [said, ...empty] }).context).toEqual([said]);
  expect(reasonOf(() => read({ ...smallest, context: [null] }))).toBe('invalid_message');
});

test('a field that this version does not know is kept', () => {
  const later = { tone: 'kind', options: { words: [1, null] } };
  expect(read({ ...smallest, ...later })).toMatchObject(later);
});

test.each(['utf-8', 'UTF-8', 'Utf8', 'identity', '', ' utf-8 ', 'us-ascii'])(
  'content_encoding %p is no obstacle',
  (contentEncoding) => {
    expect(read(smallest, { contentEncoding })).toMatchObject(smallest);
  },
);

test('a byte order mark before the JSON is no obstacle', () => {
  const body = Buffer.from(`\ufeff${JSON.stringify(smallest)}`);
  expect(readChatRequest({ body })).toMatchObject(smallest);
});

test('two callers with the same words and different reply queues ask two questions', () => {
  const body = Buffer.from(JSON.stringify(smallest));
  const idOf = (replyTo?: string, correlationId?: string) =>
    readChatRequest({ body, replyTo, correlationId }).requestId;
  expect(new Set([idOf(), idOf('one'), idOf('other'), idOf('one', 'c-1'), idOf('one', 'c-2')]).size).toBe(5);
  expect(idOf('one', 'c-1')).toBe(idOf('one', 'c-1'));
});
