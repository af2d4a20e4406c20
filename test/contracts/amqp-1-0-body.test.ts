import { expect, test } from '@jest/globals';
import { readChatRequest } from '../../src/contracts/read-chat-request.ts';
import { UnreadableMessage } from '../../src/contracts/read-message.ts';

const question = { sessionId: 's-1', userId: 'u-1', message: 'Hello?' };
const json = Buffer.from(JSON.stringify(question));
const bytes = (...parts: (number | Buffer)[]) =>
  Buffer.concat(parts.map((part) => (typeof part === 'number' ? Buffer.from([part]) : part)));
const long = (length: number) => {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32BE(length);
  return buffer;
};
const longDescriptor = (section: number) => bytes(0x00, 0x80, Buffer.alloc(7), section);
const VALUE = bytes(0x00, 0x53, 0x77);
const DATA = bytes(0x00, 0x53, 0x75);

test.each([
  ['a short string', bytes(VALUE, 0xa1, json.length, json)],
  ['a long string', bytes(VALUE, 0xb1, long(json.length), json)],
  ['short binary', bytes(VALUE, 0xa0, json.length, json)],
  ['a string under a long descriptor', bytes(longDescriptor(0x77), 0xa1, json.length, json)],
  ['a data section', bytes(DATA, 0xa0, json.length, json)],
  ['a long data section', bytes(DATA, 0xb0, long(json.length), json)],
  ['two data sections', bytes(DATA, 0xa0, 10, json.subarray(0, 10), DATA, 0xa0, json.length - 10, json.subarray(10))],
  [
    'properties, a string and an empty footer',
    bytes(0x00, 0x53, 0x73, 0xc0, 1, 0, VALUE, 0xa1, json.length, json, 0x00, 0x53, 0x78, 0x45),
  ],
])('the question in an AMQP 1.0 body of %s is read', (_, body) => {
  expect(readChatRequest({ body })).toMatchObject(question);
});

test.each([
  ['a sequence', bytes(0x00, 0x53, 0x76, 0x45), 'sequence'],
  ['a map', bytes(VALUE, 0xd1, long(5), long(0), 0), 'no string'],
  ['a number', bytes(VALUE, 0x71, long(7)), 'no string'],
  ['null', bytes(VALUE, 0x40), 'no string'],
  ['a string that is cut off', bytes(VALUE, 0xa1, json.length, json.subarray(0, 5)), 'cannot be decoded'],
  ['a section that there is not', bytes(0x00, 0x53, 0x01, 0xa1, 1, 0x41), 'cannot be decoded'],
  ['bytes behind the string', bytes(VALUE, 0xa1, json.length, json, 7), 'cannot be decoded'],
])('an AMQP 1.0 body of %s is refused by that name', (_, body, name) => {
  try {
    readChatRequest({ body });
    throw new Error('was read');
  } catch (error) {
    expect(error).toBeInstanceOf(UnreadableMessage);
    expect(error).toMatchObject({ reason: 'unsupported_amqp_body', message: expect.stringContaining(name) });
  }
});

test('a string of AMQP 1.0 that is no JSON is refused as that', () => {
  const reason = { reason: 'not_json' };
  expect(() => readChatRequest({ body: bytes(VALUE, 0xa1, 2, Buffer.from('hi')) })).toThrow(
    expect.objectContaining(reason),
  );
});
