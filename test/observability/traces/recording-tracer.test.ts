import { expect, test } from '@jest/globals';
import type { RecordedSpan } from '../../../src/observability/traces/recorded-span.ts';
import { createRecordingTracer } from '../../../src/observability/traces/recording-tracer.ts';
import { samplerOf } from '../../../src/observability/traces/sampler.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const CALLER = `00-${TRACE}-b7ad6b7169203331-01`;

function tracing(sampler: string) {
  const ended: RecordedSpan[] = [];
  const tracer = createRecordingTracer(samplerOf(sampler, 1), (span) => ended.push(span));
  const span = (parent: string | undefined) => {
    const started = tracer.start({ name: 'attempt', kind: 'internal', parent });
    started.end();
    return started.traceparent;
  };
  return { span, ended };
}

test.each([
  undefined,
  '',
  CALLER.toUpperCase(),
  `${CALLER}\n`,
  CALLER.replace('00-', 'ff-'),
  CALLER.replace('b7ad6b7169203331', '0'.repeat(16)),
  CALLER.replace(TRACE, '0'.repeat(32)),
])('a span begins a trace of its own where the caller’s traceparent is %j', (parent) => {
  const { span, ended } = tracing('parentbased_always_on');
  expect(span(parent)).toMatch(/^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-01$/);
  expect(ended).toMatchObject([{ parentSpanId: undefined }]);
  expect(ended[0]!.traceId).not.toBe(TRACE);
});

test('a trace that the caller does not keep is not kept, and those after it are told so', () => {
  for (const flags of ['00', '02']) {
    const { span, ended } = tracing('parentbased_always_on');
    expect(span(CALLER.replace(/01$/, flags))).toMatch(new RegExp(`^00-${TRACE}-[0-9a-f]{16}-00$`));
    expect(ended).toEqual([]);
  }
  for (const flags of ['01', '03']) {
    const { span, ended } = tracing('parentbased_always_off');
    expect(span(CALLER.replace(/01$/, flags))).toMatch(new RegExp(`^00-${TRACE}-[0-9a-f]{16}-01$`));
    expect(ended).toHaveLength(1);
  }
});
