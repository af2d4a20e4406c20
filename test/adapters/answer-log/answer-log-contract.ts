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
  epoch,
  attempt: 1,
  deadlineAt: Date.now() + 60_000,
});

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

    test('a stop ends the log with its text so far, and wins over a completion that comes later', async () => {
      const { writer, keeper, openReader } = await open();
      const requestId = randomUUID();
      const log = writer.open(attemptAt(requestId, 1));
      log.begun({ provider: 'p', model: 'm' });
      log.text('Eat vege');
      await log.close();
      expect(await keeper.end(requestId, CANCELLED)).toEqual({ by: 'us', end: 'cancelled', text: 'Eat vege' });
      log.text('tables.');
      await log.end(COMPLETED, 'Eat vegetables.');
      const events = await readAll(openReader(requestId, -1));
      expect(events.at(-1)?.event).toMatchObject({ type: 'cancelled', rest: '', offset: 8 });
      expect(textOf(events)).toBe('Eat vege');
    });

    test('a stop comes too late for a log that has ended, and there is none to stop without a log', async () => {
      const { writer, keeper } = await open();
      const requestId = randomUUID();
      await writer.open(attemptAt(requestId, 1)).end(COMPLETED, 'Eat.');
      expect(await keeper.end(requestId, CANCELLED)).toEqual({ by: 'another', end: 'completed', text: 'Eat.' });
      expect(await keeper.end(randomUUID(), CANCELLED)).toBeUndefined();
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
