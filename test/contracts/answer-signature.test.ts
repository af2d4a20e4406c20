import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { createAnswerSignatures } from '../../src/contracts/answer-signature.ts';

const KEY = 'one key of at least thirty-two bytes';
const OTHER = 'another key of at least thirty-two bytes';
const body = Buffer.from('{"requestId":"r-1"}');
const one = createAnswerSignatures([KEY]);

test('what is signed is valid, and is not once a byte of it, or of its signature, is another', () => {
  const signature = one.sign(body);
  expect(one.isValid(body, signature)).toBe(true);
  expect(one.isValid(Buffer.from('{"requestId":"r-2"}'), signature)).toBe(false);
  expect(
    one.isValid(
      body,
      signature.replace(/.$/, (last) => (last === '0' ? '1' : '0')),
    ),
  ).toBe(false);
});

test('a signature is read whatever its case is, and as bytes, which some clients send', () => {
  const signature = one.sign(body);
  expect(one.isValid(body, `v1=${signature.slice(3).toUpperCase()}`)).toBe(true);
  expect(one.isValid(body, Buffer.from(signature))).toBe(true);
});

test.each([undefined, null, '', 'v1=', 'v1=00', 'v2=', 7, {}, ['v1='], 'x'.repeat(100_000)])(
  'a header of another form is no signature: %p',
  (header) => {
    expect(one.isValid(body, header)).toBe(false);
  },
);

test('keys are changed one by one: the first signs, and what each of them has signed is valid', () => {
  const both = createAnswerSignatures([OTHER, KEY]);
  expect(both.sign(body)).toBe(createAnswerSignatures([OTHER]).sign(body));
  expect(both.isValid(body, one.sign(body))).toBe(true);
  expect(one.isValid(body, both.sign(body))).toBe(false);
});

test.each([32, 63, 64, 65, 1_000])(
  'a signature is the HMAC-SHA256 with a key of %p bytes, whatever the body is',
  (bytes) => {
    const key = 'é'.repeat(bytes / 2).padEnd(bytes - Math.floor(bytes / 2), 'k');
    expect(Buffer.byteLength(key)).toBe(bytes);
    const { sign } = createAnswerSignatures([key]);
    for (const signed of [Buffer.alloc(0), body, Buffer.alloc(100_000, 'x'), body]) {
      const mac = createHmac('sha256', key).update('chat_responses\n').update(signed).digest('hex');
      expect(sign(signed)).toBe(`v1=${mac}`);
    }
  },
);

test('the worked example in the documentation is right', () => {
  const text = readFileSync(join(import.meta.dirname, '../../docs/messages.md'), 'utf8');
  const [, key, example, signature] = /key +(\S+)\nbody +(.+)\nheader +x-healify-signature: (\S+)/.exec(text) ?? [];
  expect(createAnswerSignatures([key!]).sign(Buffer.from(example!))).toBe(signature);
});
