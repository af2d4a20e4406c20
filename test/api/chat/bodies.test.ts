import { expect, test } from '@jest/globals';
import { historyPageBody, sessionBody, turnBody } from '../../../src/api/chat/bodies.ts';
import type { Progress } from '../../../src/api/chat/line/progress.ts';
import type { Answer, Turn } from '../../../src/contracts/conversation.ts';
import { historyPage, session, turn as turnSchema } from '../../../src/contracts/http/chat-bodies.ts';

const queued: Turn = {
  sessionId: 's',
  requestId: 'r-2',
  message: 'How?',
  createdAt: '2026-01-01T00:00:00.000Z',
  answer: null,
  feedback: null,
};
const answer: Answer = {
  status: 'completed',
  response: 'So.',
  error: null,
  model: 'm',
  provider: 'p',
  cached: true,
  usage: { promptTokens: 1, completionTokens: 2, totalTokens: 3, cost: null },
  finishReason: 'stop',
  attempts: 2,
  timings: { waitMs: 1, modelMs: 2, totalMs: 3 },
  completedAt: '2026-01-01T00:00:02.000Z',
};
const ended: Turn = { ...queued, requestId: 'r-1', answer };
const retry = { since: '2026-01-01T00:00:01.000Z', code: 'model_timeout', nextAt: '2026-01-01T00:00:03.000Z' };
const retrying: Progress = { status: 'retrying', attempts: 1, retry, position: 0, etaMs: null };

test('a turn that has ended is shown with its answer, whatever the queue says', () => {
  const body = turnBody(ended, new Map([['r-1', retrying]]));
  const { requestId, message, createdAt } = ended;
  expect(body).toEqual({ requestId, message, createdAt, ...answer, partialUsage: null, retry: null, feedback: null });
  expect(turnSchema.parse(body)).toEqual(body);
});

test('a turn that has not ended is shown as the queue has it, and as queued where that is not known', () => {
  expect(turnBody(queued, new Map([['r-2', retrying]]))).toMatchObject({ status: 'retrying', attempts: 1, retry });
  const body = turnBody(queued);
  expect(body).toMatchObject({ status: 'queued', attempts: 0, retry: null, response: null, cached: false });
  expect(turnSchema.parse(body)).toEqual(body);
});

test('a session is shown with the status and the answer of its latest turn, also on an older page', () => {
  const times = { createdAt: queued.createdAt, updatedAt: answer.completedAt };
  const page = {
    session: { sessionId: 's', title: 'How?', ...times },
    turns: [ended],
    latest: queued,
    nextCursor: '1',
  };
  const body = sessionBody(page, new Map([['r-2', retrying]]));
  expect(body).toMatchObject({
    sessionId: 's',
    title: 'How?',
    status: 'retrying',
    response: null,
    ...times,
    nextCursor: '1',
  });
  expect(body.turns).toEqual([turnBody(ended)]);
  expect(session.parse(body)).toEqual(body);
  expect(sessionBody({ ...page, latest: ended })).toMatchObject({ status: 'completed', response: 'So.' });
});

test('each turn of a history says which session it belongs to', () => {
  const body = historyPageBody({ turns: [queued, ended], nextCursor: null });
  expect(body.items.map(({ sessionId, requestId }) => [sessionId, requestId])).toEqual([
    ['s', 'r-2'],
    ['s', 'r-1'],
  ]);
  expect(historyPage.parse(body)).toEqual(body);
});
