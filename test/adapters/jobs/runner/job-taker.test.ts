import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import type { TakenJob } from '../../../../src/adapters/jobs/redis-scripts/taken-job.ts';
import { createJobTaker, type Line } from '../../../../src/adapters/jobs/runner/job-taker.ts';
import { createPlaces } from '../../../../src/adapters/jobs/runner/places.ts';
import { sharePlaces } from '../../../../src/adapters/jobs/runner/shard-places.ts';
import { captureLog } from '../../../captured-log.ts';
import { until } from '../../../until.ts';
import { takenJob } from './new-job.ts';

type Taken = Awaited<ReturnType<Line['take']>>;
type Found = Awaited<ReturnType<Line['takeOne']>>;

/** What the taker has asked for, and how the test answers it. */
interface Asked {
  what: 'take' | 'takeOne' | 'waitForSign' | 'passSignOn';
  ms?: number;
  answer: (value: Taken | Found | number | undefined) => void;
  refuse: (error: Error) => void;
}

const NONE: Taken = { taken: 0, nextDelayedAt: 0 };

let asked: Asked[];
/** `asked` has the calls that the test has not looked at yet. This has all of them. */
let ever: Asked[];
let begun: TakenJob[];
let places: ReturnType<typeof createPlaces>;
let taker: ReturnType<typeof createJobTaker>;
beforeEach(() => {
  asked = [];
  ever = [];
  begun = [];
  places = createPlaces(2);
  places.open();
  const ask = (what: Asked['what'], ms?: number) =>
    new Promise<never>((resolve, reject) => {
      const one = {
        what,
        ...(ms !== undefined && { ms }),
        answer: resolve as unknown as Asked['answer'],
        refuse: reject,
      };
      asked.push(one);
      ever.push(one);
    });
  taker = createJobTaker({
    places: sharePlaces(places, 1)[0]!,
    line: {
      take: () => ask('take'),
      takeOne: () => ask('takeOne'),
      waitForSign: (ms) => ask('waitForSign', ms),
      passSignOn: () => ask('passSignOn'),
    },
    begin: (job) => begun.push(job),
    logger: captureLog().logger,
  });
  taker.start();
});
afterEach(async () => {
  jest.restoreAllMocks();
  places.close();
  for (const { what, answer } of ever) answer(what === 'take' ? NONE : undefined);
  await taker.stopped();
});

/** The next thing that it asks for. */
const next = async (what: Asked['what']): Promise<Asked> => {
  await until(`it asks for ${what}`, () => asked.length > 0);
  const first = asked.shift()!;
  expect(first.what).toBe(what);
  return first;
};
/** It has asked for nothing in this turn of the event loop. */
const asksNothing = async () => {
  await new Promise(setImmediate);
  expect(asked).toEqual([]);
};

test('it looks again at once while there are jobs, and waits for their sign when there are none', async () => {
  (await next('take')).answer({ taken: 2, nextDelayedAt: 0 });
  (await next('take')).answer(NONE);
  const waiting = await next('waitForSign');
  await asksNothing();
  waiting.answer(0);
  await next('take');
});

test('it looks for itself if no sign has come for 5 s', async () => {
  (await next('take')).answer(NONE);
  const waiting = await next('waitForSign');
  expect(waiting.ms).toBe(5_000);
  waiting.answer(undefined);
  await next('take');
});

test('it waits no longer than until the next delayed job is due', async () => {
  jest.spyOn(Date, 'now').mockReturnValue(1_000_000);
  (await next('take')).answer({ taken: 0, nextDelayedAt: 1_000_300 });
  const waiting = await next('waitForSign');
  expect(waiting.ms).toBe(300);
  // The sign is that of another delayed job.
  waiting.answer(1_000_100);
  const again = await next('waitForSign');
  expect(again.ms).toBe(100);
  jest.spyOn(Date, 'now').mockReturnValue(1_000_100);
  again.answer(undefined);
  (await next('take')).answer({ taken: 0, nextDelayedAt: 1_000_100 });
  await next('take');
});

test('a job that only BullMQ handles is taken by its script, for a place that is reserved meanwhile', async () => {
  (await next('take')).answer({ taken: 0, nextDelayedAt: undefined });
  const asking = await next('takeOne');
  expect(places.free).toBe(1);
  asking.answer({ job: takenJob('a') });
  await next('take');
  expect(begun.map(({ jobId }) => jobId)).toEqual(['r-a']);
  expect(places.free).toBe(2);
});

test('it waits for as long as BullMQ says if a limit is reached', async () => {
  jest.spyOn(Date, 'now').mockReturnValue(1_000_000);
  (await next('take')).answer({ taken: 0, nextDelayedAt: undefined });
  (await next('takeOne')).answer({ dueAt: 1_000_700 });
  expect((await next('waitForSign')).ms).toBe(700);
});

test('while no place is free, it asks for nothing', async () => {
  const first = await next('take');
  places.occupy();
  places.occupy();
  first.answer({ taken: 2, nextDelayedAt: 0 });
  await asksNothing();
  places.vacate();
  await next('take');
});

test.each([0, 1, 2, 3, 4, 5, 6])(
  'it sees a place that becomes free %i microtasks after it was told',
  async (microtasks) => {
    const first = await next('take');
    places.occupy();
    places.occupy();
    first.answer({ taken: 2, nextDelayedAt: 0 });
    for (let i = 0; i < microtasks; i++) await undefined;
    places.vacate();
    await next('take');
  },
);

test('it asks BullMQ for no job if the last place was taken meanwhile', async () => {
  const first = await next('take');
  places.occupy();
  places.occupy();
  first.answer({ taken: 0, nextDelayedAt: undefined });
  await asksNothing();
  places.vacate();
  await next('take');
});

test('a sign that it has no place for is passed on', async () => {
  (await next('take')).answer(NONE);
  const waiting = await next('waitForSign');
  places.occupy();
  places.occupy();
  waiting.answer(0);
  (await next('passSignOn')).answer(undefined);
  await asksNothing();
});

test('it tries again a second after Redis could not serve', async () => {
  (await next('take')).refuse(new Error('away'));
  (await next('take')).answer(NONE);
  (await next('waitForSign')).refuse(new Error('away'));
  await next('take');
});

test.each<['take' | 'waitForSign', (asking: Asked) => void]>([
  ['take', (asking) => asking.answer(NONE)],
  ['take', (asking) => asking.refuse(new Error('away'))],
  ['waitForSign', (asking) => asking.answer(undefined)],
  ['waitForSign', (asking) => asking.refuse(new Error('away'))],
])('it stops after %s if the places were closed meanwhile', async (what, end) => {
  if (what === 'waitForSign') (await next('take')).answer(NONE);
  const asking = await next(what);
  places.close();
  end(asking);
  await taker.stopped();
  expect(asked).toEqual([]);
});

test('it stops while no place is free', async () => {
  const first = await next('take');
  places.occupy();
  places.occupy();
  first.answer(NONE);
  (await next('waitForSign')).answer(undefined);
  await asksNothing();
  places.close();
  await taker.stopped();
});
