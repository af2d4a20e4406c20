import { expect, test } from '@jest/globals';
import { readChatRequest, UnreadableMessage } from '../../src/contracts/chat-request.ts';
import { limits } from '../../src/contracts/limits.ts';

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
  ['unsupported_version', () => read({ ...smallest, version: 2 })],
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

test('an id that cannot be written as UTF-8 is refused as invalid, not passed on to fail later', () => {
  const body = Buffer.from('{"requestId":"\\ud800","sessionId":"s","userId":"u","message":"m"}');
  expect(() => readChatRequest({ body })).toThrow(expect.objectContaining({ reason: 'invalid_message' }));
});
