import { expect, test } from '@jest/globals';
import { continueTrace, isSampled, traceIdOf } from '../../src/contracts/traceparent.ts';

const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const valid = `00-${TRACE_ID}-00f067aa0ba902b7-01`;

test('a valid traceparent is carried on', () => {
  expect(continueTrace(valid)).toEqual({ traceparent: valid });
  expect(traceIdOf(valid)).toBe(TRACE_ID);
});

test.each([
  ['01', '-01', '', '-01', true],
  ['01', '-00', '-what-the-future-brings', '-00', false],
  ['cc', '-03', '-', '-01', true],
])('of version %s, what version 00 has is carried on', (version, flags, more, carried, sampled) => {
  const later = valid.replace(/^00/, version).replace(/-01$/, flags) + more;
  const { traceparent } = continueTrace(later);
  expect(traceparent).toBe(valid.replace(/-01$/, carried));
  expect(traceIdOf(later)).toBe(TRACE_ID);
  expect(isSampled(later)).toBe(sampled);
});

test.each([
  undefined,
  '',
  'garbage',
  42,
  `${valid}-extra`,
  valid.replace(/^00/, 'ff'),
  `${valid.replace(/^00/, '01')}extra`,
  valid.replace(/^00/, '01').slice(0, -1),
  valid.replace(TRACE_ID, '0'.repeat(32)),
  valid.replace(TRACE_ID, TRACE_ID.toUpperCase()),
])('a new trace is begun for %p, and the tracestate is dropped', (received) => {
  const { traceparent, ...state } = continueTrace(received, 'vendor=1');
  expect(traceparent).not.toBe(received);
  expect(traceIdOf(traceparent)).toMatch(/^[0-9a-f]{32}$/);
  expect(traceIdOf(traceparent)).not.toBe(TRACE_ID);
  expect(state).toEqual({});
});

test.each(['rojo=00f067aa0ba902b7', 'rojo=00f067aa0ba902b7, congo=t61rcWkgMzE', `a=${'x'.repeat(510)}`])(
  'the tracestate %p is carried on as it is',
  (tracestate) => {
    expect(continueTrace(valid, tracestate)).toEqual({ traceparent: valid, tracestate });
  },
);

test.each([
  undefined,
  '',
  7,
  'a=1\r\nb: 2',
  'a=Wasser ist gesund für dich',
  `a=${'x'.repeat(511)}`,
  Array.from({ length: 33 }, (_, i) => `a${i}=1`).join(),
])('the tracestate %p is dropped, and the trace goes on', (tracestate) => {
  expect(continueTrace(valid, tracestate)).toEqual({ traceparent: valid });
});
