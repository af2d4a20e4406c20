import { expect, test } from '@jest/globals';
import { createPlaces } from '../../../../src/adapters/jobs/runner/places.ts';

const opened = (count: number) => {
  const places = createPlaces(count);
  places.open();
  return places;
};

/** Whether a promise has resolved by the end of this turn of the event loop. */
const isResolved = async (promise: Promise<void>) => {
  let resolved = false;
  void promise.then(() => {
    resolved = true;
  });
  await new Promise(setImmediate);
  return resolved;
};

test('no place can be reserved before they are opened, or after they are closed', () => {
  const places = createPlaces(3);
  expect([places.state, places.free, places.reserve(2)]).toEqual(['unopened', 0, 0]);
  places.open();
  expect([places.state, places.free]).toEqual(['open', 3]);
  places.close();
  expect([places.state, places.free, places.reserve(2)]).toEqual(['closed', 0, 0]);
});

test('as many places are reserved as were asked for and are free', () => {
  const places = opened(3);
  expect([places.reserve(2), places.free]).toEqual([2, 1]);
  expect([places.reserve(2), places.free]).toEqual([1, 0]);
  places.release(3);
  expect(places.free).toBe(3);
});

test('a job that comes for a reserved place keeps it after the reservation ends', () => {
  const places = opened(3);
  const reserved = places.reserve(2);
  places.occupy();
  places.release(reserved);
  expect(places.free).toBe(2);
  places.vacate();
  expect(places.free).toBe(3);
});

test.each<[string, (places: ReturnType<typeof opened>) => void]>([
  ['is vacated', (places) => places.vacate()],
  ['is no longer reserved', (places) => places.release(1)],
  ['will never be free, because all are closed', (places) => places.close()],
])('everybody who waits for a place is told when one %s', async (_, change) => {
  const places = opened(2);
  places.reserve(1);
  places.occupy();
  const waiting = [places.untilChanged(), places.untilChanged()];
  expect(await Promise.all(waiting.map(isResolved))).toEqual([false, false]);
  change(places);
  expect(await Promise.all(waiting.map(isResolved))).toEqual([true, true]);
});

test('closed places count as unused once the last job has left and the last reservation has ended', async () => {
  const places = opened(2);
  places.occupy();
  places.reserve(1);
  places.close();
  const unused = places.untilUnused();
  places.vacate();
  expect(await isResolved(unused)).toBe(false);
  places.release(1);
  expect(await isResolved(unused)).toBe(true);
});
