import { expect, test } from '@jest/globals';
import { clockAt, shareUntil } from '../../../tools/demo/day.ts';
import { eventAt } from '../../../tools/demo/events.ts';

test('a day begins with nothing, is busier at noon than at night, and ends with everything', () => {
  expect([shareUntil(0), shareUntil(1)]).toEqual([0, 1]);
  const hour = (from: number) => shareUntil((from + 1) / 24) - shareUntil(from / 24);
  expect(hour(12)).toBeGreaterThan(5 * hour(3));
  expect([clockAt(0), clockAt(0.5), clockAt(1)]).toEqual(['00:00', '12:00', '23:59']);
});

test('a hundred questions have something of everything, and each run sends the same', () => {
  const events = Array.from({ length: 101 }, (_, n) => eventAt(n));
  const kinds = new Set(events.map((event) => (event.kind === 'ask' ? event.what : event.kind)));
  expect([...kinds].sort()).toEqual(
    [
      'asked before',
      'asked twice',
      'cancel',
      'fails',
      'follow-up',
      'garbage',
      'plain',
      'retried',
      'service',
      'slow',
    ].sort(),
  );
  expect(events).toEqual(Array.from({ length: 101 }, (_, n) => eventAt(n)));
});
