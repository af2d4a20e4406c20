import { expect, test } from '@jest/globals';
import { continueTrace, traceIdOf } from '../../src/contracts/traceparent.ts';

const valid = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

test('a valid traceparent is carried on', () => {
  expect(continueTrace(valid)).toBe(valid);
  expect(traceIdOf(valid)).toBe('4bf92f3577b34da6a3ce929d0e0e4736');
});

test.each([
  undefined,
  '',
  'garbage',
  42,
  `${valid}-extra`,
  valid.replace('4bf92f3577b34da6a3ce929d0e0e4736', '0'.repeat(32)),
])('a new trace is begun for %p', (received) => {
  const traceparent = continueTrace(received);
  expect(traceparent).not.toBe(received);
  expect(traceIdOf(traceparent)).toMatch(/^[0-9a-f]{32}$/);
});
