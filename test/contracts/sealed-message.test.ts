import { generateKeySync } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { createTextSeals, ownerOf } from '../../src/adapters/encryption/text-seals.ts';
import { MasterKeyMissingError } from '../../src/contracts/errors.ts';
import { readChatRequest, receiveChatRequest } from '../../src/contracts/read-chat-request.ts';
import { receiveChatResponse } from '../../src/contracts/read-chat-response.ts';
import { sealMessage } from '../../src/contracts/sealed-message.ts';
import { except, plainSeals } from '../../src/contracts/sealing.ts';

const MARKER = 'a secret illness';
const keys = new Map([[ownerOf('ann'), generateKeySync('aes', { length: 256 })]]);
const seals = createTextSeals({ get: async () => keys });
const own = await seals.forSealing(['ann']);

const request = readChatRequest({
  body: Buffer.from(
    JSON.stringify({
      ...{
        requestId: 'r-1',
        sessionId: 's-1',
        userId: 'ann',
        message: `Is it ${MARKER}?`,
        deadline: '2026-01-01T00:00:00Z',
      },
      ...{ context: [{ role: 'user', content: MARKER }], inAnyLaterVersion: { note: MARKER } },
    }),
  ),
});
const response = {
  ...{ version: 1 as const, requestId: 'r-1', sessionId: 's-1', userId: 'ann', status: 'completed' as const },
  ...{
    response: MARKER,
    error: null,
    model: 'm',
    provider: 'p',
    cached: false,
    usage: null,
    finishReason: 'stop' as const,
  },
  ...{ attempts: 1, timings: { waitMs: 1, modelMs: 1, totalMs: 2 }, completedAt: '2026-01-01T00:00:00.000Z' },
};
const bodyOf = (message: object) => Buffer.from(JSON.stringify(message));

test('a sealed request has its ids and times, and no text, not even one of a field that only a later version knows', () => {
  const sealed = sealMessage(own, 'request', request);
  const { message, context, inAnyLaterVersion, ...rest } = request as typeof request & { inAnyLaterVersion: unknown };
  expect(sealed).toEqual({ ...rest, version: 2, sealed: expect.any(String) });
  expect(JSON.stringify(sealed)).not.toContain(MARKER);
  const received = receiveChatRequest({ body: bodyOf(sealed) });
  expect(received.sealedFor).toBe('ann');
  expect(received.open(own)).toEqual(request);
});

test('a sealed answer is opened as it was; one without a text is not sealed', () => {
  const sealed = sealMessage(own, 'response', response);
  expect(JSON.stringify(sealed)).not.toContain(MARKER);
  expect(receiveChatResponse({ body: bodyOf(sealed) }).open(own)).toEqual(response);
  const cancelled = { ...response, status: 'cancelled' as const, response: null };
  expect(sealMessage(own, 'response', cancelled)).toBe(cancelled);
});

test('the texts of another request, another user or another kind of message cannot be opened in its place', () => {
  const sealed = sealMessage(own, 'request', request);
  keys.set(ownerOf('bob'), generateKeySync('aes', { length: 256 }));
  const open = (message: object) => () => receiveChatRequest({ body: bodyOf(message) }).open(own);
  const refused = expect.objectContaining({ reason: 'cannot_be_opened' });
  expect(open({ ...sealed, requestId: 'r-2' })).toThrow(refused);
  expect(open({ ...sealed, userId: 'bob' })).toThrow(refused);
  expect(open({ ...sealMessage(own, 'response', { ...response, message: 'm' }) })).toThrow(refused);
});

test('what is in a sealed message is checked as in any other, and a sealed message must say whose it is', () => {
  const tooLong = sealMessage(own, 'request', { ...request, message: ' ' });
  const invalid = expect.objectContaining({ reason: 'invalid_message' });
  expect(() => receiveChatRequest({ body: bodyOf(tooLong) }).open(own)).toThrow(invalid);
  for (const field of ['userId', 'requestId', 'sealed'])
    expect(() => receiveChatRequest({ body: bodyOf({ ...tooLong, [field]: undefined }) })).toThrow(invalid);
});

test('a process without keys does not take a sealed message for an unreadable one', () => {
  const body = bodyOf(sealMessage(own, 'request', request));
  expect(() => receiveChatRequest({ body }).open(plainSeals)).toThrow(MasterKeyMissingError);
});

test('texts for others stay as they are', async () => {
  const plain = await except(['request'], seals).forSealing(['ann']);
  expect(sealMessage(plain, 'request', request)).toBe(request);
  expect(JSON.stringify(sealMessage(plain, 'response', response))).not.toContain(MARKER);
});
