import { expect, test } from '@jest/globals';
import { cutText } from '../../src/contracts/cut-text.ts';
import { readChatResponse } from '../../src/contracts/read-chat-response.ts';

test('a text is cut at a whole character, wherever that is', () => {
  const text = 'a\u{1f600}b\u{1f600}';
  const cuts = Array.from({ length: text.length + 2 }, (_, maxChars) => cutText(text, maxChars));
  expect(cuts).toEqual(['', 'a', 'a', 'a\u{1f600}', 'a\u{1f600}b', 'a\u{1f600}b', text, text]);
  expect(cuts.every((cut) => cut.isWellFormed())).toBe(true);
});

test('an answer of another worker that has half a character in it is kept as well-formed text', () => {
  const body = Buffer.from(
    '{"requestId":"r","sessionId":"s","userId":"u","status":"completed","response":"a\\ud83d","error":null,' +
      '"model":null,"provider":null,"cached":false,"usage":null,"attempts":1,' +
      '"timings":{"waitMs":0,"modelMs":0,"totalMs":0},"completedAt":"2026-01-01T00:00:00.000Z"}',
  );
  expect(readChatResponse({ body }).response).toBe('a\ufffd');
});
