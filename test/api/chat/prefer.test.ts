import { expect, test } from '@jest/globals';
import { readPreferWait } from '../../../src/api/chat/prefer.ts';

test.each([
  ['wait=10', 10],
  ['Wait = 10', 10],
  ['wait="10"', 10],
  ['respond-async, wait=7', 7],
  ['wait=7; foo=bar', 7],
  ['wait=5, wait=9', 5],
])('Prefer: %s holds the reply for %d s', (header, seconds) => {
  expect(readPreferWait(header, 60_000)).toBe(seconds);
});

test('a longer wait than allowed becomes the longest allowed', () => {
  expect(readPreferWait('wait=999999999', 60_000)).toBe(60);
});

test.each([
  undefined,
  '',
  'respond-async',
  'wait',
  'wait=',
  'wait=0',
  'wait=-1',
  'wait=1.5',
  'wait=soon',
  'awaited=5',
  'wait=5"',
  'wait=99999999999',
])('Prefer: %s holds nothing', (header) => {
  expect(readPreferWait(header, 60_000)).toBeUndefined();
});

test('waits of less than a second are not offered', () => {
  expect(readPreferWait('wait=10', 900)).toBeUndefined();
});
