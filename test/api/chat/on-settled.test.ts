import { expect, jest, test } from '@jest/globals';
import type { SessionEraser } from '../../../src/api/chat/erase-session.ts';
import { createOnSettled } from '../../../src/api/chat/on-settled.ts';
import type { ChatResponse } from '../../../src/contracts/chat-response.ts';
import { createApiMetrics } from '../../../src/observability/metrics.ts';
import { captureLog } from '../../captured-log.ts';

const response = {
  requestId: 'r',
  sessionId: 's',
  userId: 'u',
  status: 'completed',
  cached: false,
  timings: { waitMs: 10, totalMs: 500 },
} as ChatResponse;

function parts(eraseLate: SessionEraser['eraseLate'] = async () => {}) {
  const told = jest.fn<(requestId: string, news: ChatResponse | 'look') => void>();
  const counted = jest.fn();
  const erased = jest.fn(eraseLate);
  const metrics = createApiMetrics();
  const log = captureLog();
  const onSettled = createOnSettled({
    answerWaiter: { settled: told },
    line: { settled: counted },
    eraser: { eraseLate: erased },
    metrics,
    logger: log.logger,
  });
  return { onSettled, told, counted, erased, metrics, log };
}

test('a client that waits at this process gets the answer, and the line counts it', async () => {
  const { onSettled, told, counted, erased, metrics } = parts();
  onSettled('settled', response, undefined);
  expect(told.mock.calls).toEqual([['r', response]]);
  expect(counted).toHaveBeenCalledWith(response);
  expect(erased).not.toHaveBeenCalled();
  const shown = await metrics.registry.getSingleMetricAsString('healify_answer_seconds');
  expect(shown).toMatch(/_sum\{.*\} 0\.5$/m);
});

test('of an answer that came a second time, those who wait are only told to look', () => {
  const { onSettled, told, counted, erased } = parts();
  onSettled('duplicate', response, undefined);
  expect(told.mock.calls).toEqual([['r', 'look']]);
  expect(counted).not.toHaveBeenCalled();
  expect(erased).not.toHaveBeenCalled();
});

test('an answer whose conversation was erased meanwhile is erased too; a store that is away does not end the process', async () => {
  const { onSettled, told, counted, erased, log } = parts(async () => {
    throw new Error('Redis is away');
  });
  onSettled('erased', response, `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`);
  await expect(erased.mock.results[0]!.value).rejects.toThrow('Redis is away');
  const ids = { requestId: 'r', sessionId: 's', traceId: 'a'.repeat(32) };
  expect(log.said('a late answer could not be erased yet')).toMatchObject([ids]);
  expect(erased).toHaveBeenCalledWith(response);
  expect(told.mock.calls).toEqual([['r', 'look']]);
  expect(counted).not.toHaveBeenCalled();
});
