import { expect, test } from '@jest/globals';
import type { NewSpan } from '../../../src/contracts/tracer.ts';
import { OtlpBatchWriter } from '../../../src/observability/traces/otlp-batch.ts';
import { createRecordingTracer } from '../../../src/observability/traces/recording-tracer.ts';
import { isFailed, readOtlp } from '../../otlp-collector.ts';

const PARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const OTHER = '00-1af7651916cd43dd8448eb211c80319c-c7ad6b7169203331-01';
const span = (more: Partial<NewSpan> = {}): NewSpan => ({ name: 'attempt', kind: 'internal', parent: PARENT, ...more });

function tracing() {
  const batch = new OtlpBatchWriter({
    resource: { 'service.name': 'healify-chat-worker' },
    scope: { name: 'healify-chat', version: '1' },
  });
  const tracer = createRecordingTracer(
    () => true,
    (ended) => batch.add(ended),
  );
  return { tracer, batch, sent: () => readOtlp(batch.take().bytes) };
}

test('a collector reads of a span what happened, when, where it belongs and how it ended', () => {
  const { tracer, sent } = tracing();
  const before = Date.now();
  const started = tracer.start(
    span({ kind: 'client', links: [OTHER, 'unreadable'], shared: { 'messaging.system': 'rabbitmq' } }),
  );
  started.set({ 'gen_ai.usage.input_tokens': 300, 'gen_ai.request.temperature': 0.25 });
  started.set({ 'gen_ai.response.finish_reasons': ['stop', 'length'], 'healify.session.id': 'Jürgen 😀' });
  started.fail('model_timeout');
  started.end();
  started.end();
  const [read, ...others] = sent();
  expect(others).toEqual([]);
  expect(read).toMatchObject({
    service: 'healify-chat-worker',
    name: 'attempt',
    kind: 3,
    traceId: PARENT.slice(3, 35),
    parentSpanId: PARENT.slice(36, 52),
    spanId: started.traceparent.slice(36, 52),
    links: [{ traceId: OTHER.slice(3, 35), spanId: OTHER.slice(36, 52) }],
    attributes: {
      'messaging.system': 'rabbitmq',
      'gen_ai.usage.input_tokens': 300,
      'gen_ai.request.temperature': 0.25,
      'gen_ai.response.finish_reasons': 'stop,length',
      'healify.session.id': 'Jürgen 😀',
      'error.type': 'model_timeout',
    },
  });
  expect(isFailed(read!)).toBe(true);
  const [begin, end] = [BigInt(read!.startTimeUnixNano), BigInt(read!.endTimeUnixNano)];
  expect(begin).toBeGreaterThanOrEqual(BigInt(before) * 1_000_000n);
  expect(end).toBeGreaterThan(begin);
  expect(end).toBeLessThan(BigInt(Date.now() + 1) * 1_000_000n);
});

test('spans are read whatever their number, their links and the length of their texts', () => {
  const { tracer, batch, sent } = tracing();
  const links = Array.from({ length: 1_100 }, () => OTHER);
  for (const length of [0, 1, 63, 64, 65, 127, 128, 3_999, 4_000, 9_000]) {
    tracer.start(span({ links, attributes: { 'healify.session.id': 'é'.repeat(length) } })).end();
    tracer.start(span({ parent: undefined, attributes: { 'healify.session.id': 's'.repeat(length) } })).end();
  }
  expect(batch.spans).toBe(20);
  const read = sent();
  expect(read.map(({ attributes }) => String(attributes['healify.session.id']).length)).toEqual(
    [0, 1, 63, 64, 65, 127, 128, 3_999, 4_000, 4_000].flatMap((length) => [length, length]),
  );
  expect(read[0]!.links.length).toBe(1_000);
  expect(read[1]!.parentSpanId).toBe('');
  tracer.start(span()).end();
  expect(sent().length).toBe(1);
  // The cut is in the middle of a character of two units.
  const long = { 'healify.session.id': `${'s'.repeat(3_999)}😀`, 'gen_ai.usage.input_tokens': 2 ** 40 };
  tracer
    .start(
      span({
        attributes: {
          ...long,
          'healify.attempt': 0,
          'gen_ai.request.temperature': -0.5,
          'gen_ai.request.stream': true,
        },
      }),
    )
    .end();
  expect(sent()[0]!.attributes).toEqual({
    ...{ 'healify.session.id': `${'s'.repeat(3_999)}\ufffd`, 'gen_ai.usage.input_tokens': 2 ** 40 },
    ...{ 'healify.attempt': 0, 'gen_ai.request.temperature': -0.5, 'gen_ai.request.stream': true },
  });
});
