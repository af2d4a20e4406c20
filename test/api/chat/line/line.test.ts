import { afterEach, expect, test } from '@jest/globals';
import type { PlaceInLine } from '../../../../src/adapters/jobs/place-in-line.ts';
import { createLine, type Line } from '../../../../src/api/chat/line/line.ts';
import type { QueuesSeen } from '../../../../src/api/chat/line/look-at-line.ts';
import { until } from '../../../until.ts';

const lines: Line[] = [];
afterEach(() => {
  for (const line of lines.splice(0)) line.stop();
});

const idle: QueuesSeen = {
  inBroker: 0,
  inJobs: 0,
  inHand: 0,
  consumers: 1,
  workerAlive: true,
  workersSilent: false,
  modelShut: false,
  settled: 0,
};

/** A line whose looks see this, once it has looked twice. */
async function lineThatSees(
  see: () => QueuesSeen | undefined,
  options: { shedAbove?: number; requestDeadlineMs?: number; places?: PlaceInLine[] } = {},
) {
  let looks = 0;
  const line = createLine({
    look: async () => {
      looks += 1;
      return see();
    },
    placesOf: async () => options.places ?? [],
    requestDeadlineMs: options.requestDeadlineMs ?? 900_000,
    shedAbove: options.shedAbove ?? 1_000_000,
  });
  lines.push(line);
  line.start();
  await until('it has looked twice', () => looks >= 2);
  return line;
}

/** A line that has seen `waiting` requests worked off at `perSecond`. */
async function lineWith(
  waiting: number,
  perSecond: number,
  limits: { shedAbove?: number; requestDeadlineMs?: number },
) {
  const startedAt = Date.now();
  const settled = () => Math.round(((Date.now() - startedAt) / 1000) * perSecond);
  const line = await lineThatSees(() => ({ ...idle, inBroker: waiting, settled: settled() }), limits);
  await until('the rate is known', () => line.drainRate !== undefined || waiting === 0);
  return line;
}

const answer = { cached: false, timings: { waitMs: 10, totalMs: 510 } };
let requests = 0;
const admit = (line: Line) => line.admit(`request ${++requests}`);

const refusal = (line: Line) => {
  try {
    admit(line);
  } catch (error) {
    return error;
  }
  return undefined;
};

test('a question that could not be answered by its deadline is refused, and told when it could be', async () => {
  const line = await lineWith(2_000, 100, { requestDeadlineMs: 10_000 });
  const { code, retryAfterSeconds } = refusal(line) as { code: string; retryAfterSeconds: number };
  expect(code).toBe('overloaded');
  // 2,000 at 100 a second take 20 s, of which the deadline gives 10.
  expect(retryAfterSeconds).toBeGreaterThanOrEqual(9);
  expect(retryAfterSeconds).toBeLessThanOrEqual(12);
});

test('a line that is full lets nobody in', async () => {
  const line = await lineWith(50, 10, { shedAbove: 50 });
  expect(refusal(line)).toMatchObject({ code: 'overloaded', retryAfterSeconds: 1 });
});

test('those let in since the last look count as waiting, until they have ended', async () => {
  const line = await lineThatSees(() => idle, { shedAbove: 3 });
  for (const requestId of ['a', 'b', 'c']) line.admit(requestId);
  expect(line.waiting).toBe(3);
  expect(refusal(line)).toMatchObject({ code: 'overloaded' });
  line.ended('b');
  line.ended('b');
  line.ended('never let in');
  expect(line.waiting).toBe(2);
  expect(refusal(line)).toBeUndefined();
});

test('while no request was seen to wait, new requests have position 0, as long as workers have free places', async () => {
  const line = await lineThatSees(() => idle);
  line.settled(answer);
  const standings = Array.from({ length: 12 }, () => admit(line));
  expect(standings.slice(0, 10)).toEqual(Array.from({ length: 10 }, () => ({ position: 0, etaMs: 500 })));
  expect(standings.slice(10)).toEqual([
    { position: 0, etaMs: 500 },
    { position: 1, etaMs: null },
  ]);
});

test('ten questions asked one after the other on an idle system are each next, with a time to expect', async () => {
  const line = await lineThatSees(() => idle);
  line.settled(answer);
  for (let i = 0; i < 10; i++) {
    expect(line.admit(`q${i}`)).toEqual({ position: 0, etaMs: 500 });
    line.settled(answer);
    line.ended(`q${i}`);
  }
});

test('a question that was seen on its way to a worker with free places is before no other', async () => {
  let looks = 0;
  const line = await lineThatSees(() => ({ ...idle, inBroker: looks++ % 2 }));
  line.settled(answer);
  for (let i = 0; i < 3; i++) expect(admit(line)).toEqual({ position: 0, etaMs: 500 });
});

test('a line that was seen to be full tells how many requests are before a new one', async () => {
  const line = await lineThatSees(() => ({ ...idle, inJobs: 5, inHand: 1 }));
  expect([admit(line), admit(line)]).toMatchObject([{ position: 5 }, { position: 6 }]);
});

test.each([
  ['no worker is there', { consumers: 0, workerAlive: false }, null],
  ['the last worker has gone', { consumers: 0, workerAlive: true }, null],
  ['all workers hang and still consume', { workersSilent: true }, null],
  ['workers have enough for now', { consumers: 0, workerAlive: true, inJobs: 1, inHand: 1 }, 0],
])('where %s, no time is told, unless they work on what they have', async (_, seen, expected) => {
  let looksAfter = -1;
  const look = () => {
    looksAfter += looksAfter < 0 ? 0 : 1;
    return { ...idle, ...seen };
  };
  const line = await lineThatSees(look, { places: [{ kind: 'waiting', attemptsMade: 0, ahead: 0 }] });
  line.settled(answer);
  looksAfter = 0;
  await until('it has looked after the last answer', () => looksAfter > 0);
  const [progress] = await line.progress('u', [{ requestId: 'r', createdAt: new Date().toISOString() }]);
  expect(progress!.etaMs).toBe(expected === null ? null : 500);
});

test('while no provider may be asked, no time is told, neither to a new question nor to one that waits', async () => {
  let modelShut = false;
  const places: PlaceInLine[] = [
    { kind: 'waiting', attemptsMade: 0, ahead: 0 },
    { kind: 'delayed', attemptsMade: 0, dueAt: Date.now() + 5_000, retry: undefined },
  ];
  const line = await lineThatSees(() => ({ ...idle, modelShut }), { places });
  line.settled(answer);
  const timeOfNext = () => {
    const { etaMs } = line.admit('next');
    line.ended('next');
    return etaMs;
  };
  expect(timeOfNext()).toBe(500);
  modelShut = true;
  await until('that is seen', () => timeOfNext() === null);
  const createdAt = new Date().toISOString();
  const progress = await line.progress(
    'u',
    places.map((_, i) => ({ requestId: `${i}`, createdAt })),
  );
  expect(progress).toMatchObject([{ etaMs: null }, { status: 'retrying', etaMs: null }]);
  modelShut = false;
  await until('that is seen', () => timeOfNext() === 500);
});

test('a worker that has just started is recognised by its answers', async () => {
  const line = await lineThatSees(() => ({ ...idle, consumers: 0, workerAlive: false }));
  expect(line.admit('one').etaMs).toBeNull();
  line.settled(answer);
  line.ended('one');
  expect(line.admit('another')).toEqual({ position: 0, etaMs: 500 });
});

test('the progress of a question is shown', async () => {
  const places: PlaceInLine[] = [];
  const line = await lineThatSees(() => idle, { places });
  line.settled(answer);
  const at = Date.now();
  const since = new Date(at - 9_000).toISOString();
  places.push(
    { kind: 'waiting', attemptsMade: 0, ahead: 0 },
    { kind: 'active', attemptsMade: 1, startedAt: at - 100 },
    { kind: 'active', attemptsMade: 0, startedAt: at - 20_000 },
    { kind: 'delayed', attemptsMade: 2, dueAt: at + 5_000, retry: { since, code: 'model_unavailable' } },
    { kind: 'delayed', attemptsMade: 0, dueAt: at + 5_000, retry: { since, code: 'answer_under_way' } },
    { kind: 'none' },
    { kind: 'none' },
  );
  const long = new Date(at - 60_000).toISOString();
  const asked = places.map((_, i) => ({ requestId: `${i}`, createdAt: i === 6 ? long : new Date().toISOString() }));
  const [waiting, asking, overlong, retrying, another, onItsWay, missing] = await line.progress('u', asked);
  expect(waiting).toMatchObject({ status: 'queued', attempts: 0, retry: null, position: 0, etaMs: 500 });
  expect(asking).toMatchObject({ status: 'asking', attempts: 2, retry: null, position: 0 });
  expect(asking!.etaMs).toBeGreaterThan(0);
  expect(asking!.etaMs).toBeLessThanOrEqual(400);
  expect(overlong).toMatchObject({ status: 'asking', attempts: 1, etaMs: null });
  const nextAt = new Date(at + 5_000).toISOString();
  expect(retrying).toMatchObject({
    status: 'retrying',
    attempts: 2,
    retry: { since, code: 'model_unavailable', nextAt },
  });
  expect(another).toMatchObject({ status: 'asking', retry: null, etaMs: null });
  expect(onItsWay).toMatchObject({ status: 'queued', position: 0, etaMs: 500 });
  expect(missing).toMatchObject({ status: 'queued', etaMs: null });
});
