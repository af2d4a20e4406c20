import { expect, test } from '@jest/globals';
import { contextOf } from '../../../src/api/chat/context.ts';
import { chatRequest } from '../../../src/contracts/chat-request.ts';
import type { Answer, Turn } from '../../../src/contracts/conversation.ts';
import { limits } from '../../../src/contracts/limits.ts';

const turn = (message: string, response: string | null, status: Answer['status'] | 'queued' = 'completed'): Turn => ({
  sessionId: 'session',
  requestId: message,
  message,
  createdAt: '2026-01-01T00:00:00Z',
  answer: status === 'queued' ? null : { ...ANSWER, status, response },
  feedback: null,
});

const ANSWER: Omit<Answer, 'status' | 'response'> = {
  error: null,
  model: null,
  provider: null,
  cached: false,
  usage: null,
  finishReason: null,
  attempts: 1,
  timings: { waitMs: 0, modelMs: 0, totalMs: 0 },
  completedAt: '2026-01-01T00:00:01Z',
};

const pair = (question: string, answer: string) => [
  { role: 'user', content: question },
  { role: 'assistant', content: answer },
];

test('a first question has no context', () => {
  expect(contextOf([], 1000)).toEqual([]);
});

test('earlier turns go along, oldest first', () => {
  expect(contextOf([turn('q1', 'a1'), turn('q2', 'a2')], 1000)).toEqual([...pair('q1', 'a1'), ...pair('q2', 'a2')]);
});

test('turns that have no answer do not go along', () => {
  const turns = [
    turn('q1', 'a1'),
    turn('q2', null, 'queued'),
    turn('q3', null, 'failed'),
    turn('q4', null, 'cancelled'),
    turn('q5', ''),
  ];
  expect(contextOf(turns, 1000)).toEqual(pair('q1', 'a1'));
});

test('the newest turns go along as far as the budget reaches, and none in part', () => {
  const turns = [turn('1111', '1111'), turn('2222', '2222'), turn('3333', '3333')];
  expect(contextOf(turns, 3)).toEqual(pair('3333', '3333'));
  expect(contextOf(turns, 4)).toEqual([...pair('2222', '2222'), ...pair('3333', '3333')]);
  expect(contextOf(turns, 1)).toEqual([]);
  expect(contextOf(turns, 0)).toEqual([]);
});

test('a turn that does not fit ends the context, so that there is no gap in it', () => {
  expect(contextOf([turn('q1', 'a1'), turn('q2', 'long '.repeat(100)), turn('q3', 'a3')], 50)).toEqual(
    pair('q3', 'a3'),
  );
});

test('a token is four bytes of UTF-8, rounded up', () => {
  expect(contextOf([turn('12345', '1')], 3)).toHaveLength(2);
  expect(contextOf([turn('12345', '1')], 2)).toHaveLength(0);
  expect(contextOf([turn('日本', '日')], 3)).toHaveLength(2);
  expect(contextOf([turn('日本', '日')], 2)).toHaveLength(0);
});

test('however large the budget, the message stays one that the broker side takes', () => {
  const turns = [
    ...Array.from({ length: 40 }, (_, index) => turn(`q${index}`, '\u0001'.repeat(50_000))),
    ...Array.from({ length: 60 }, (_, index) => turn(`q${index}`, 'a')),
  ];
  const context = contextOf(turns, 1_000_000);
  expect(context).toHaveLength(limits.contextTurns);
  const heavy = contextOf(turns.slice(0, 40), 1_000_000);
  expect(heavy.length).toBeGreaterThan(0);
  const request = {
    requestId: 'r',
    sessionId: 's',
    userId: 'u',
    message: `${'\u0001'.repeat(limits.messageChars - 1)}x`,
  };
  expect(chatRequest.safeParse({ ...request, context }).success).toBe(true);
  expect(Buffer.byteLength(JSON.stringify({ ...request, context: heavy }))).toBeLessThan(limits.requestMessageBytes);
});
