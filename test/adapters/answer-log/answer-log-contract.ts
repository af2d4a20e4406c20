import { randomUUID } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import type { AnswerLogKeeper, AnswerLogWriter } from '../../../src/adapters/answer-log/answer-log.ts';
import type { NumberedEvent } from '../../../src/contracts/answer-events.ts';
import { textAfter } from '../../../src/contracts/answer-text.ts';

/** A way to read logs: the port itself, or an interface that is built on it. */
export interface LogDoor {
  writer: AnswerLogWriter;
  keeper: AnswerLogKeeper;
  /** Gives the events after a number. */
  openReader(requestId: string, after: number): AsyncIterable<NumberedEvent>;
}

export const COMPLETED = {
  type: 'completed',
  at: '2026-01-31T12:00:00.000Z',
  model: 'm',
  provider: 'p',
  cached: false,
  usage: null,
  finishReason: 'stop',
  attempts: 1,
  timings: { waitMs: 0, modelMs: 1, totalMs: 1 },
} as const;
export const CANCELLED = { type: 'cancelled', at: COMPLETED.at, finishReason: 'cancelled' } as const;

export const attemptAt = (requestId: string, epoch: number) => ({
  requestId,
  userId: 'ann',
  epoch,
  attempt: 1,
  deadlineAt: Date.now() + 60_000,
});

const stop = async (keeper: AnswerLogKeeper, requestId: string) =>
  (await keeper.end([{ requestId, userId: 'ann' }], CANCELLED)).get(requestId);

/** Reads until the end of the log, or until there are so many events. */
export async function readAll(reader: AsyncIterable<NumberedEvent>, atMost = Number.POSITIVE_INFINITY) {
  const events: NumberedEvent[] = [];
  for await (const event of reader) {
    events.push(event);
    if (events.length >= atMost) break;
  }
  return events;
}

export const textOf = (events: readonly NumberedEvent[], text = '') =>
  events.reduce((before, { event }) => textAfter(before, event), text);
export const typesOf = (events: readonly NumberedEvent[]) => events.map(({ event }) => event.type);

/** What every way to read logs must do, as docs/protocol.md says. */
export function describeAnswerLog(name: string, open: () => Promise<LogDoor>): void {
  describe(`the answer log of ${name}`, () => {
    test('a reader gets the text as it was written, and the end, with numbers without gaps', async () => {
      const { writer, openReader } = await open();
      const requestId = randomUUID();
      const reading = readAll(openReader(requestId, -1));
      const log = writer.open(attemptAt(requestId, 1));
      log.asking();
      log.begun({ provider: 'p', model: 'm' });
      for (const piece of ['Eat ', 'vege', 'tables 🥦', '.']) log.text(piece);
      await log.end(COMPLETED, 'Eat vegetables 🥦.');
      const events = await reading;
      expect(typesOf(events).filter((type) => type !== 'delta')).toEqual(['queued', 'started', 'started', 'completed']);
      expect(textOf(events)).toBe('Eat vegetables 🥦.');
      expect(events.map(({ number }) => number)).toEqual(events.map((_, index) => index));
    });

    test('a reader that resumes after any number gets exactly the rest, also after the end', async () => {
      const { writer, openReader } = await open();
      const requestId = randomUUID();
      const log = writer.open(attemptAt(requestId, 1));
      log.asking();
      log.begun({ provider: 'p', model: 'm' });
      log.text('Eat vegetables.');
      await log.end(COMPLETED, 'Eat vegetables. Drink water.');
      const all = await readAll(openReader(requestId, -1));
      expect(textOf(all)).toBe('Eat vegetables. Drink water.');
      for (const { number } of all.slice(0, -1)) {
        expect(await readAll(openReader(requestId, number))).toEqual(all.slice(number + 1));
      }
    });

    test('another attempt starts the text again, and what the earlier one writes later is refused', async () => {
      const { writer, openReader } = await open();
      const requestId = randomUUID();
      const first = writer.open(attemptAt(requestId, 1));
      first.begun({ provider: 'p', model: 'm' });
      first.text('Eat');
      await first.close();
      const second = writer.open(attemptAt(requestId, 2));
      second.asking();
      await second.close();
      first.text(' nothing');
      await first.end(COMPLETED, 'Eat nothing');
      second.begun({ provider: 'p', model: 'm' });
      second.text('Drink.');
      await second.end(COMPLETED, 'Drink.');
      const events = await readAll(openReader(requestId, -1));
      expect(typesOf(events)).toEqual([
        ...['queued', 'started', 'delta', 'restarted', 'started', 'started', 'delta', 'completed'],
      ]);
      expect(textOf(events)).toBe('Drink.');
    });

    test('a fallback in the same attempt starts the text again', async () => {
      const { writer, openReader } = await open();
      const requestId = randomUUID();
      const log = writer.open(attemptAt(requestId, 1));
      log.begun({ provider: 'p', model: 'm' });
      log.text('Eat');
      await readAll(openReader(requestId, -1), 3);
      log.begun({ provider: 'q', model: 'n' });
      log.text('Drink.');
      await log.end(COMPLETED, 'Drink.');
      const events = await readAll(openReader(requestId, -1));
      expect(typesOf(events)).toContain('restarted');
      expect(textOf(events)).toBe('Drink.');
    });

    test('a response that differs from what was streamed replaces it', async () => {
      const { writer, openReader } = await open();
      const requestId = randomUUID();
      const log = writer.open(attemptAt(requestId, 1));
      log.begun({ provider: 'p', model: 'm' });
      log.text('Eat');
      await log.end(COMPLETED, 'Drink.');
      expect(textOf(await readAll(openReader(requestId, -1)))).toBe('Drink.');
    });

    test('a later attempt that has the answer already goes on with the text that readers have', async () => {
      const { writer, openReader } = await open();
      const requestId = randomUUID();
      const first = writer.open(attemptAt(requestId, 1));
      first.begun({ provider: 'p', model: 'm' });
      first.text('Eat vege');
      await first.close();
      // It can only be published at the third attempt, and readers have not been told its end before.
      const second = writer.open(attemptAt(requestId, 2));
      await second.resume('Eat vegetables.');
      second.retrying({ code: 'broker_unavailable', nextAt: null });
      await second.close();
      const third = writer.open(attemptAt(requestId, 3));
      await third.resume('Eat vegetables.');
      await third.end(COMPLETED, 'Eat vegetables.');
      const events = await readAll(openReader(requestId, -1));
      expect(typesOf(events)).toEqual(['queued', 'started', 'delta', 'retrying', 'completed']);
      expect(events.at(-1)?.event).toMatchObject({ rest: 'tables.', offset: 8 });
      expect(textOf(events)).toBe('Eat vegetables.');
    });

    test('a later attempt never goes on with another text, and once it goes on, an earlier one can write no more', async () => {
      const { writer, openReader } = await open();
      const requestId = randomUUID();
      const first = writer.open(attemptAt(requestId, 1));
      first.begun({ provider: 'p', model: 'm' });
      first.text('Eat');
      await first.close();
      const second = writer.open(attemptAt(requestId, 2));
      await second.resume('Eat.');
      first.begun({ provider: 'q', model: 'n' });
      first.text('Drink');
      await first.close();
      second.retrying({ code: 'broker_unavailable', nextAt: null });
      await second.close();
      const third = writer.open(attemptAt(requestId, 3));
      await third.resume('Walk.');
      await third.end(COMPLETED, 'Walk.');
      const events = await readAll(openReader(requestId, -1));
      expect(typesOf(events)).toEqual(['queued', 'started', 'delta', 'retrying', 'restarted', 'completed']);
      expect(textOf(events)).toBe('Walk.');
    });

    test('a stop ends the log with its text so far, and wins over a completion that comes later', async () => {
      const { writer, keeper, openReader } = await open();
      const requestId = randomUUID();
      const log = writer.open(attemptAt(requestId, 1));
      log.begun({ provider: 'p', model: 'm' });
      log.text('Eat vege');
      await log.close();
      expect(await stop(keeper, requestId)).toEqual({ end: 'cancelled', text: 'Eat vege' });
      log.text('tables.');
      await log.end(COMPLETED, 'Eat vegetables.');
      const events = await readAll(openReader(requestId, -1));
      expect(events.at(-1)?.event).toMatchObject({ type: 'cancelled', rest: '', offset: 8 });
      expect(textOf(events)).toBe('Eat vege');
    });

    test('a worker whose request is stopped learns the text that readers have, whoever has ended the log', async () => {
      const { writer, keeper, openReader } = await open();
      const [theirs, ours] = [randomUUID(), randomUUID()];
      const logs = [theirs, ours].map((requestId) => writer.open(attemptAt(requestId, 1)));
      for (const log of logs) {
        log.begun({ provider: 'p', model: 'm' });
        log.text('Eat vege');
        await log.close();
      }
      await stop(keeper, theirs);
      for (const log of logs) log.text('tables.');
      expect(await logs[0]!.stop(COMPLETED.at)).toBe('Eat vege');
      expect(await logs[1]!.stop(COMPLETED.at)).toBe('Eat vegetables.');
      expect(textOf(await readAll(openReader(theirs, -1)))).toBe('Eat vege');
      expect(textOf(await readAll(openReader(ours, -1)))).toBe('Eat vegetables.');
    });

    test('a worker that stops a request before it has written anything keeps what an earlier attempt has written', async () => {
      const { writer, openReader } = await open();
      const requestId = randomUUID();
      const first = writer.open(attemptAt(requestId, 1));
      first.begun({ provider: 'p', model: 'm' });
      first.text('Eat vege');
      first.retrying({ code: 'model_unavailable', nextAt: null });
      await first.close();
      expect(await writer.open(attemptAt(requestId, 2)).stop(COMPLETED.at)).toBe('Eat vege');
      const events = await readAll(openReader(requestId, -1));
      expect(typesOf(events)).toEqual(['queued', 'started', 'delta', 'retrying', 'cancelled']);
      expect(textOf(events)).toBe('Eat vege');
    });

    test('a stop comes too late for a log that has ended, and comes first for one that has not begun', async () => {
      const { writer, keeper, openReader } = await open();
      const requestId = randomUUID();
      await writer.open(attemptAt(requestId, 1)).end(COMPLETED, 'Eat.');
      expect(await stop(keeper, requestId)).toEqual({ end: 'completed', text: 'Eat.' });
      const early = randomUUID();
      expect(await stop(keeper, early)).toEqual({ end: 'cancelled', text: '' });
      await writer.open(attemptAt(early, 1)).end(COMPLETED, 'Eat.');
      expect(typesOf(await readAll(openReader(early, -1)))).toEqual(['queued', 'cancelled']);
    });

    test('a log begins once, whether its api or its worker is first', async () => {
      const { writer, keeper, openReader } = await open();
      const requestId = randomUUID();
      await keeper.queued(requestId, Date.now() + 60_000);
      await writer.open(attemptAt(requestId, 1)).end(COMPLETED, '');
      await keeper.queued(requestId, Date.now() + 60_000);
      expect(typesOf(await readAll(openReader(requestId, -1)))).toEqual(['queued', 'completed']);
    });

    test('ids with braces and other odd characters have logs of their own', async () => {
      const { writer, openReader } = await open();
      const tail = randomUUID();
      for (const requestId of [`}{${tail}`, `a}b:${tail}`, `{}${tail}`, `é *?[${tail}`]) {
        await writer.open(attemptAt(requestId, 1)).end(COMPLETED, requestId);
        expect(textOf(await readAll(openReader(requestId, -1)))).toBe(requestId);
      }
    });
  });
}
