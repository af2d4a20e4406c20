import { randomUUID } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { NumberedEvent } from '../../../src/contracts/answer-events.ts';
import { isEnd, textAfter } from '../../../src/contracts/answer-text.ts';
import { attemptAt, CANCELLED, COMPLETED, type LogDoor, readAll, textOf, typesOf } from './answer-log-contract.ts';

/** Checks that nothing is missing, comes twice, or comes after the end. @returns the text */
export function expectUnbroken(events: readonly NumberedEvent[]): string {
  expect(events.map(({ number }) => number)).toEqual(events.map((_, index) => index));
  expect(events.filter(({ event }) => isEnd(event))).toEqual([events.at(-1)]);
  let text = '';
  for (const { event } of events) {
    if ('offset' in event) expect(event.offset).toBe(text.length);
    text = textAfter(text, event);
  }
  return text;
}

/** The types of events, with one `delta` for several in a row. */
export function roughlyOf(events: readonly NumberedEvent[]): string[] {
  const types = typesOf(events);
  return types.filter((type, index) => type !== 'delta' || types[index - 1] !== 'delta');
}

/** Reads in the background. */
export function follow(reader: AsyncIterable<NumberedEvent>) {
  const events: NumberedEvent[] = [];
  let changed = () => {};
  const ended = (async () => {
    for await (const event of reader) {
      events.push(event);
      changed();
    }
    return events;
  })();
  // A test that fails before it awaits this must not end the process.
  ended.catch(() => {});
  /** Waits until readers have the text. */
  const has = async (text: string) => {
    while (textOf(events) !== text) {
      const more = new Promise<void>((resolve) => {
        changed = resolve;
      });
      await Promise.race([more, ended.then(() => expect(textOf(events)).toBe(text))]);
    }
  };
  return { events, ended, has };
}

const happening = fc.constantFrom('text', 'text', 'text', 'written', 'attempt', 'rejoin', 'another', 'cut', 'cut');
const ending = fc.constantFrom('complete', 'stop');

/**
 * What every way to read logs must do with a request that waits for another one’s answer, as docs/protocol.md says.
 * @param fullAfter how many texts of 100,000 characters a log takes; the rest comes with its end
 */
export function describeFollowedLog(name: string, open: () => Promise<LogDoor>, fullAfter = 11): void {
  describe(`the answer log of a question that another request is asking, ${name}`, () => {
    /** Two requests with the same question. The first one asks. */
    async function setUp() {
      const { writer, keeper, openReader } = await open();
      const [asker, follower] = [randomUUID(), randomUUID()];
      const log = writer.open(attemptAt(asker, 1));
      log.asking();
      await log.close();
      await writer.open(attemptAt(follower, 1)).follow(asker);
      /** The follower’s next attempt finds the answer in the cache. */
      const complete = async (text: string, requestId = follower, epoch = 2) => {
        const next = writer.open(attemptAt(requestId, epoch));
        if (!(await next.resume(text))) {
          next.begun({ provider: 'p', model: 'm' });
          next.text(text);
        }
        await next.end({ ...COMPLETED, cached: true }, text);
      };
      return { writer, keeper, openReader, asker, follower, log, complete };
    }
    const UNDISTURBED = ['queued', 'started', 'started', 'started', 'delta', 'completed'];

    test('grows while the answer is written, and ends with the same text, as one that a late reader gets', async () => {
      const { openReader, asker, follower, log, complete } = await setUp();
      const [first, second] = [follow(openReader(asker, -1)), follow(openReader(follower, -1))];
      log.begun({ provider: 'p', model: 'm' });
      for (const [piece, text] of [
        ['Eat ', 'Eat '],
        ['vege', 'Eat vege'],
        ['tables 🥦', 'Eat vegetables 🥦'],
      ] as const) {
        log.text(piece);
        await Promise.all([first.has(text), second.has(text)]);
      }
      const late = follow(openReader(follower, -1));
      await late.has('Eat vegetables 🥦');
      // What the asker has not written down yet is missing here.
      await complete('Eat vegetables 🥦.');
      await log.end(COMPLETED, 'Eat vegetables 🥦.');
      const events = await second.ended;
      expect(expectUnbroken(events)).toBe('Eat vegetables 🥦.');
      expect(expectUnbroken(await first.ended)).toBe('Eat vegetables 🥦.');
      expect(await late.ended).toEqual(events);
      expect(roughlyOf(events)).toEqual(UNDISTURBED);
      expect(events.at(-1)?.event).toMatchObject({ cached: true, rest: '.' });
      expect(JSON.stringify(events)).not.toContain(asker);
    });

    test('is resumed after any number, during the stream and after its end', async () => {
      const { openReader, follower, log, complete } = await setUp();
      log.begun({ provider: 'p', model: 'm' });
      for (const piece of ['Eat ', 'vege', 'tables']) {
        log.text(piece);
        await log.close();
      }
      const before = await readAll(openReader(follower, -1), 5);
      const resumed = before.map(({ number }) => follow(openReader(follower, number)));
      await Promise.all(resumed.slice(-1).map(({ has }) => has('vegetables')));
      await log.end(COMPLETED, 'Eat vegetables.');
      await complete('Eat vegetables.');
      const all = await readAll(openReader(follower, -1));
      expect(expectUnbroken(all)).toBe('Eat vegetables.');
      for (const [index, { ended }] of resumed.entries()) expect(await ended).toEqual(all.slice(index + 1));
      for (const { number } of all.slice(0, -1)) {
        expect(await readAll(openReader(follower, number))).toEqual(all.slice(number + 1));
      }
    });

    test('begins again together with that of the request that asks', async () => {
      const { writer, openReader, asker, follower, log, complete } = await setUp();
      const [first, second] = [follow(openReader(asker, -1)), follow(openReader(follower, -1))];
      log.begun({ provider: 'p', model: 'm' });
      log.text('Eat');
      await second.has('Eat');
      const next = writer.open(attemptAt(asker, 2));
      next.asking();
      next.begun({ provider: 'q', model: 'm' });
      next.text('Drink');
      await second.has('Drink');
      await next.end(COMPLETED, 'Drink.');
      await complete('Drink.');
      for (const { ended } of [first, second]) {
        const events = await ended;
        expect(expectUnbroken(events)).toBe('Drink.');
        expect(typesOf(events).filter((type) => type === 'restarted')).toHaveLength(1);
      }
    });

    test('begins again where another request takes over, for all that follow', async () => {
      const { writer, keeper, openReader, asker, follower, log, complete } = await setUp();
      const third = randomUUID();
      await writer.open(attemptAt(third, 1)).follow(asker);
      const readings = [follower, third].map((requestId) => follow(openReader(requestId, -1)));
      log.begun({ provider: 'p', model: 'm' });
      log.text('Eat vege');
      await Promise.all(readings.map(({ has }) => has('Eat vege')));
      await keeper.end([{ requestId: asker, userId: 'ann' }], CANCELLED);
      const own = writer.open(attemptAt(follower, 2));
      own.asking();
      await own.close();
      await writer.open(attemptAt(third, 2)).follow(follower);
      own.begun({ provider: 'p', model: 'm' });
      own.text('Drink');
      await Promise.all(readings.map(({ has }) => has('Drink')));
      await own.end(COMPLETED, 'Drink.');
      await complete('Drink.', third, 3);
      for (const { ended } of readings) {
        const events = await ended;
        expect(expectUnbroken(events)).toBe('Drink.');
        expect(typesOf(events).filter((type) => type === 'restarted')).toHaveLength(1);
        expect(events.some(({ event }) => 'text' in event && event.text.includes('Eat'))).toBe(true);
      }
    });

    test('keeps its text so far when its own user stops it, and the other one goes on', async () => {
      const { keeper, openReader, asker, follower, log } = await setUp();
      const reading = follow(openReader(follower, -1));
      log.begun({ provider: 'p', model: 'm' });
      log.text('Eat vege');
      await reading.has('Eat vege');
      expect((await keeper.end([{ requestId: follower, userId: 'ann' }], CANCELLED)).get(follower)).toEqual({
        end: 'cancelled',
        text: 'Eat vege',
      });
      log.text('tables.');
      await log.end(COMPLETED, 'Eat vegetables.');
      expect(expectUnbroken(await reading.ended)).toBe('Eat vege');
      expect(expectUnbroken(await readAll(openReader(follower, -1)))).toBe('Eat vege');
      expect(expectUnbroken(await readAll(openReader(asker, -1)))).toBe('Eat vegetables.');
    });

    test('keeps what it has shown when the other one is erased', async () => {
      const { writer, keeper, openReader, asker, follower, log } = await setUp();
      const reading = follow(openReader(follower, -1));
      log.begun({ provider: 'p', model: 'm' });
      log.text('Eat vege');
      await reading.has('Eat vege');
      await keeper.erase([asker]);
      const late = follow(openReader(follower, -1));
      await late.has('Eat vege');
      const own = writer.open(attemptAt(follower, 2));
      own.asking();
      own.begun({ provider: 'p', model: 'm' });
      own.text('Drink.');
      await own.end(COMPLETED, 'Drink.');
      const events = await reading.ended;
      expect(expectUnbroken(events)).toBe('Drink.');
      expect(typesOf(events)).toContain('restarted');
      expect(await late.ended).toEqual(events);
    });

    test('waits for the whole answer of a request that nobody streams', async () => {
      const { writer, openReader, complete } = await setUp();
      const follower = randomUUID();
      await writer.open(attemptAt(follower, 1)).follow(randomUUID());
      const reading = follow(openReader(follower, -1));
      await complete('Eat.', follower);
      expect(expectUnbroken(await reading.ended)).toBe('Eat.');
      expect(typesOf(reading.events)).toEqual(['queued', 'started', 'started', 'delta', 'completed']);
    });

    test('is not disturbed by attempts that find the question still being asked', async () => {
      const { writer, openReader, asker, follower, log, complete } = await setUp();
      const reading = follow(openReader(follower, -1));
      log.begun({ provider: 'p', model: 'm' });
      log.text('Eat ');
      await reading.has('Eat ');
      await writer.open(attemptAt(follower, 2)).follow(asker);
      log.text('vege');
      await reading.has('Eat vege');
      log.text('tables.');
      await reading.has('Eat vegetables.');
      await log.end(COMPLETED, 'Eat vegetables.');
      await complete('Eat vegetables.', follower, 3);
      expect(roughlyOf(await reading.ended)).toEqual(UNDISTURBED);
    });

    test('shows nothing more of another request once its own worker has the answer', async () => {
      const { writer, openReader, asker, follower, log } = await setUp();
      const third = randomUUID();
      await writer.open(attemptAt(third, 1)).follow(asker);
      const [reading, other] = [follower, third].map((requestId) => follow(openReader(requestId, -1)));
      log.begun({ provider: 'p', model: 'm' });
      log.text('Eat vege');
      await Promise.all([reading!.has('Eat vege'), other!.has('Eat vege')]);
      const next = writer.open(attemptAt(follower, 2));
      expect(await next.resume('Eat vegetables.')).toBe(true);
      const again = writer.open(attemptAt(asker, 2));
      again.begun({ provider: 'p', model: 'm' });
      again.text('Drink');
      await other!.has('Drink');
      await next.end(COMPLETED, 'Eat vegetables.');
      expect(expectUnbroken(await reading!.ended)).toBe('Eat vegetables.');
      expect(typesOf(reading!.events)).not.toContain('restarted');
      await again.end(COMPLETED, 'Drink.');
      await writer.open(attemptAt(third, 2)).end(COMPLETED, 'Drink.');
      await other!.ended;
    });

    test('ends with the answer, even if it has shown another text', async () => {
      const { openReader, follower, log, complete } = await setUp();
      const reading = follow(openReader(follower, -1));
      log.begun({ provider: 'p', model: 'm' });
      log.text('Eat');
      await reading.has('Eat');
      await complete('Drink.');
      log.text(' nothing.');
      await log.end(COMPLETED, 'Eat nothing.');
      const events = await reading.ended;
      expect(expectUnbroken(events)).toBe('Drink.');
      expect(typesOf(events)).toContain('restarted');
    });

    test('has the whole text, even if that of the request that asks exceeds its bound', async () => {
      const { openReader, follower, log, complete } = await setUp();
      const reading = follow(openReader(follower, -1));
      log.begun({ provider: 'p', model: 'm' });
      let text = '';
      for (let n = 0; n < fullAfter + 4; n++) {
        const piece = String.fromCharCode(97 + n).repeat(100_000);
        text += piece;
        log.text(piece);
        await log.close();
        if (n === 0) await reading.has(text);
      }
      // So much is in the log. What is left is as long as an answer may be.
      await reading.has(text.slice(0, fullAfter * 100_000));
      await log.end(COMPLETED, text);
      await complete(text);
      expect(expectUnbroken(await reading.ended)).toBe(text);
      expect((reading.events.at(-1)!.event as { rest: string }).rest.length).toBeGreaterThan(300_000);
    });

    test('gives every reader the same events, whatever happens to those that ask, and wherever it is cut off', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(happening, { minLength: 3, maxLength: 25 }), ending, async (happenings, end) => {
          const { writer, keeper, openReader, follower, ...first } = await setUp();
          const reading = follow(openReader(follower, -1));
          let { asker, log } = first;
          let [epoch, followerEpoch, text, pieces] = [1, 1, '', 0];
          const cut: NumberedEvent[] = [];
          const begin = () => {
            text = '';
            log.asking();
            log.begun({ provider: 'p', model: 'm' });
          };
          begin();
          for (const what of happenings) {
            if (what === 'text') {
              const piece = `${pieces++}🥦 `;
              text += piece;
              log.text(piece);
            } else if (what === 'written') {
              await log.close();
              await reading.has(text);
            } else if (what === 'attempt') {
              log = writer.open(attemptAt(asker, ++epoch));
              begin();
            } else if (what === 'rejoin') {
              await writer.open(attemptAt(follower, ++followerEpoch)).follow(asker);
            } else if (what === 'another') {
              // The one before is silent from now on, or goes on although nobody follows it.
              log.text(' late');
              asker = randomUUID();
              epoch = 1;
              log = writer.open(attemptAt(asker, epoch));
              begin();
              await writer.open(attemptAt(follower, ++followerEpoch)).follow(asker);
            } else if (cut.length < reading.events.length) {
              cut.push(...(await readAll(openReader(follower, cut.at(-1)?.number ?? -1), 1)));
            }
          }
          const whole = `${text}.`;
          await log.end(COMPLETED, whole);
          let expected = whole;
          if (end === 'stop')
            expected = (await keeper.end([{ requestId: follower, userId: 'ann' }], CANCELLED)).get(follower)!.text;
          else await first.complete(whole, follower, followerEpoch + 1);
          const events = await reading.ended;
          expect(expectUnbroken(events)).toBe(expected);
          expect([...cut, ...(await readAll(openReader(follower, cut.at(-1)?.number ?? -1)))]).toEqual(events);
        }),
        { numRuns: 25 },
      );
    });

    test('fails, although it followed another one just before', async () => {
      const { writer, openReader, asker } = await setUp();
      const follower = randomUUID();
      const log = writer.open(attemptAt(follower, 1));
      await log.follow(asker);
      const error = { code: 'deadline_exceeded', message: 'Too late.', retryable: true } as const;
      await log.end({ type: 'failed', at: COMPLETED.at, error, attempts: 1 }, '');
      expect(typesOf(await readAll(openReader(follower, -1)))).toEqual(['queued', 'started', 'failed']);
    });
  });
}
