import { expect, test } from '@jest/globals';
import type { LetterDays } from '../../src/observability/letter-days.ts';
import { createLettersLook, type LettersSeen } from '../../src/observability/letters-seen.ts';

const QUEUE = 'q.dlq';
const MINUTE = 60_000;

/** A look at a queue whose letters the test decides. It counts how often the letters are read. */
function lookAround() {
  let now = 1_000_000;
  const around = {
    ...{ reads: 0, depth: 0 as number | undefined, reasons: {} as Record<string, number>, inUse: false },
    oldestAt: null as number | null,
    days: {} as LetterDays,
    seen: undefined as LettersSeen | undefined,
  };
  const look = createLettersLook({
    depths: async () => (around.depth === undefined ? undefined : { [QUEUE]: around.depth }),
    read: async () => {
      around.reads += 1;
      if (around.inUse) throw new Error('in use');
      return { reasons: around.reasons, oldestAt: around.oldestAt, days: around.days };
    },
    now: () => now,
  });
  let seen: LettersSeen | undefined;
  const after = async (ms: number, reasons = around.reasons, depth?: number) => {
    now += ms;
    around.reasons = reasons;
    around.depth = depth ?? Object.values(reasons).reduce((sum, count) => sum + count, 0);
    // It is JSON meanwhile.
    seen = JSON.parse(JSON.stringify(await look(seen))) as LettersSeen;
    around.seen = seen;
    return seen[QUEUE]?.reasons;
  };
  return { around, after };
}

test('dead letters that stand are read when their number changes, and at most once a minute', async () => {
  const { around, after } = lookAround();
  expect(await after(0, { not_json: 2 })).toEqual({ not_json: 2 });
  for (let looks = 0; looks < 100; looks++) await after(MINUTE);
  expect(around.reads).toBe(1);
  const more = { not_json: 2, expired: 1 };
  expect(await after(MINUTE, more)).toEqual(more);
  expect(await after(MINUTE / 2, { not_json: 1 })).toEqual(more);
  expect(around.reads).toBe(2);
  expect(await after(MINUTE / 2)).toEqual({ not_json: 1 });
  expect(await after(5_000, {})).toBeUndefined();
});

test('the letters of a long queue are counted, and read once an hour for the oldest', async () => {
  const { around, after } = lookAround();
  around.oldestAt = 7;
  expect(await after(0, { not_json: 1_001 })).toEqual({ unread: 1_001 });
  expect(await after(MINUTE, { not_json: 1_002 })).toEqual({ unread: 1_002 });
  expect(around.seen?.[QUEUE]?.oldestAt).toBe(7);
  expect(around.reads).toBe(1);
  around.oldestAt = 8;
  expect(await after(59 * MINUTE, { not_json: 1_002 })).toEqual({ unread: 1_002 });
  expect(around.seen?.[QUEUE]?.oldestAt).toBe(8);
  expect(around.reads).toBe(2);
  expect(await after(MINUTE, { not_json: 1_000 })).toEqual({ not_json: 1_000 });
});

test('what an earlier version has seen is read again, because it did not count the days', async () => {
  const look = createLettersLook({
    depths: async () => ({ [QUEUE]: 1 }),
    read: async () => ({ reasons: { not_json: 1 }, oldestAt: 7, days: { 0: 1 } }),
  });
  const earlier = {
    [QUEUE]: { messages: 1, triedAt: Date.now(), reasons: { not_json: 1 }, oldestAt: 7 },
  } as unknown as LettersSeen;
  expect((await look(earlier))[QUEUE]).toMatchObject({ oldestAt: 7, days: { 0: 1 } });
});

test('while an operator has the letters, the metric shows what was there before, and tries again', async () => {
  const { around, after } = lookAround();
  around.inUse = true;
  expect(await after(0, { expired: 3 })).toEqual({ unread: 3 });
  around.inUse = false;
  expect(await after(MINUTE)).toEqual({ expired: 3 });
  around.inUse = true;
  expect(await after(MINUTE, { expired: 5 })).toEqual({ expired: 3 });
  around.inUse = false;
  expect(await after(MINUTE)).toEqual({ expired: 5 });
});

test('reasons that others have made up are bounded', async () => {
  const { after } = lookAround();
  const madeUp = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`reason-${index}`, 1]));
  const reasons = (await after(0, { ...madeUp, 'Why does\nit hurt?': 1 })) ?? {};
  expect(Object.keys(reasons)).toHaveLength(101);
  expect(reasons.other).toBe(201);
});
