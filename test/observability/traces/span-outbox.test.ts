import { expect, jest, test } from '@jest/globals';
import type { OtlpBatch } from '../../../src/observability/traces/otlp-batch.ts';
import { createRecordingTracer } from '../../../src/observability/traces/recording-tracer.ts';
import { createSpanOutbox } from '../../../src/observability/traces/span-outbox.ts';
import { until } from '../../until.ts';

/** An outbox whose collector takes each batch only when it is told to. */
function outboxOf({ delayMs = 60_000, maxSpans = 8_192 } = {}) {
  const sent: { spans: number; taken: () => void }[] = [];
  const onDropped = jest.fn();
  const outbox = createSpanOutbox({
    sender: { resource: {}, scope: { name: 'healify-chat', version: '1' } },
    send: ({ spans }: OtlpBatch) => new Promise((resolve) => sent.push({ spans, taken: resolve })),
    delayMs,
    maxSpans,
    onDropped,
  });
  const tracer = createRecordingTracer(() => true, outbox.add);
  const end = (count: number) => {
    for (let i = 0; i < count; i += 1) tracer.start({ name: 'attempt', kind: 'internal' }).end();
  };
  return { outbox, sent, onDropped, end };
}

test('a few spans are sent when their delay is over, many at once and one batch after the other', async () => {
  const few = outboxOf({ delayMs: 1 });
  few.end(3);
  await until('they are sent', () => few.sent.length === 1);
  expect(few.sent[0]!.spans).toBe(3);

  const many = outboxOf();
  many.end(4_100);
  expect(many.sent.map(({ spans }) => spans)).toEqual([2_048]);
  many.sent[0]!.taken();
  await until('the next is sent', () => many.sent.length === 2);
  expect(many.sent[1]!.spans).toBe(2_048);
});

test('while the collector takes nothing, spans wait up to a number, and further ones are dropped', () => {
  const { end, onDropped, sent } = outboxOf({ maxSpans: 600 });
  end(900);
  expect(sent.map(({ spans }) => spans)).toEqual([300]);
  expect(onDropped).not.toHaveBeenCalled();
  end(5);
  expect(onDropped).toHaveBeenCalledTimes(5);
});

test('a process that stops sends what is left, and does not wait long for a collector that takes nothing', async () => {
  const { outbox, end, sent } = outboxOf();
  end(2);
  await outbox.stop(1);
  expect(sent.map(({ spans }) => spans)).toEqual([2]);
});
