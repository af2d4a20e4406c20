import { setTimeout as sleep } from 'node:timers/promises';
import type { ConsumeMessage, MessageProperties } from 'amqplib';
import type { Logger } from 'pino';
import type { DeadLetterReason } from '../../contracts/error-codes.ts';
import { HealifyError, StoreUnavailableError } from '../../contracts/errors.ts';
import { UnreadableMessage } from '../../contracts/read-message.ts';
import type { Tracer } from '../../contracts/tracer.ts';
import { inDeadLetterSpan, startConsumeSpans } from './message-spans.ts';

/** A message that is not acknowledged yet. If this process dies, RabbitMQ delivers it again. */
export interface Delivery {
  body: Buffer;
  properties: MessageProperties;
  messageId: string | undefined;
  contentEncoding: string | undefined;
}

/** Why a message goes to the dead-letter queue. `detail` says what is wrong, without quoting the message. */
export interface Refusal {
  reason: DeadLetterReason;
  detail: string;
}

/** What is done with the messages of a queue. */
export interface Handling<Item> {
  /** @throws UnreadableMessage */
  read: (delivery: Delivery) => Item;
  /**
   * Handles items. It must be idempotent.
   * @param traceparents of the spans that the items are handled in, in the same order. undefined: tracing is off
   * @returns for each item, in the same order, why it is refused for good, or undefined. Left out: none is refused
   * @throws HealifyError if it is retryable, the items are not to blame and are tried again
   */
  handle: (items: Item[], traceparents?: readonly string[]) => Promise<readonly (Refusal | undefined)[] | undefined>;
  /** Resolves once the dead-letter queue has the message. */
  deadLetter: (delivery: Delivery, reason: DeadLetterReason, detail: string) => Promise<void>;
  tracer?: Tracer | undefined;
}

/** A message, and what was done with it so far. */
export interface Entry<Item> {
  readonly message: ConsumeMessage;
  readonly delivery: Delivery;
  /** What is left to do: handle the item, or dead-letter the message. */
  todo: { item: Item } | { refusal: Refusal };
  /** Whether it was handled, or is in the dead-letter queue. */
  settled: boolean;
}

/** The consumer whose messages are settled. */
interface Settling<Item> {
  /** Returns the messages that have arrived since. */
  takeMore: () => Entry<Item>[];
  /** false: the channel is lost, or the consumer must stop. */
  goesOn: () => boolean;
  acknowledge: (message: ConsumeMessage) => void;
}

/** How often to retry after an unforeseen error, for a batch and then for a single message. */
const UNFORESEEN_RETRIES = 3;
const RETRY_BASE_MS = 100;
const RETRY_MAX_MS = 5_000;

const CANNOT_BE_HANDLED: Refusal = { reason: 'handler_failed', detail: 'the message could not be handled' };

/**
 * Settles batches of messages, one batch after the other. A message is *unsettled* until it was handled or is in the
 * dead-letter queue. Then it is *settled* and can be acknowledged. A batch is settled in one of two ways:
 * - *together*, while `handle` succeeds or fails with foreseen errors
 * - *one by one*, after repeated unforeseen errors, to find the messages that are to blame
 */
export function createBatchSettler<Item>(options: Handling<Item> & { queue: string; logger: Logger }) {
  const { queue, read, handle, deadLetter, tracer, logger } = options;

  function toEntry(message: ConsumeMessage): Entry<Item> {
    const { messageId, contentEncoding } = message.properties;
    const delivery = { body: message.content, properties: message.properties, messageId, contentEncoding };
    return { message, delivery, todo: readOnce(delivery), settled: false };
  }

  function readOnce(delivery: Delivery): Entry<Item>['todo'] {
    try {
      return { item: read(delivery) };
    } catch (error) {
      if (error instanceof UnreadableMessage) return { refusal: { reason: error.reason, detail: error.message } };
      logger.error({ queue, err: error }, 'a message could not be read, for a reason that nobody foresaw');
      return { refusal: CANNOT_BE_HANDLED };
    }
  }

  /**
   * Settles every message. Some stay unsettled if the consumer stops.
   * @param options.takeMore returns messages that are added to the entries
   * @param options.acknowledge called for each message that is settled while others must wait, so that it is not
   * delivered again if this process dies. The message is removed from the entries
   */
  async function settle(entries: Entry<Item>[], options: Settling<Item>): Promise<void> {
    const { goesOn } = options;
    for (let tries = 1; ; tries++) {
      const error = await tryOnce(entries, () => acknowledgeSettled(entries, options));
      if (error === undefined) return;
      acknowledgeSettled(entries, options);
      if (tries === 1) logger.warn({ queue, deliveries: entries.length, err: error }, 'could not handle messages');
      if (!isForeseen(error) && tries > UNFORESEEN_RETRIES) break;
      if (!(await pause(tries, goesOn))) return;
    }
    await settleOneByOne(entries, options);
  }

  function acknowledgeSettled(entries: Entry<Item>[], { acknowledge, goesOn }: Settling<Item>): void {
    if (!goesOn()) return;
    for (const { settled, message } of entries) if (settled) acknowledge(message);
    entries.splice(0, entries.length, ...entries.filter(({ settled }) => !settled));
  }

  /**
   * Returns the error, if there is one. What was settled in spite of it is not done again.
   * @param onLettersFirst called if all dead letters are kept while the items are still being handled. That may last as
   * long as a server is down. A dead letter whose message is not acknowledged meanwhile is kept again by each process
   * that gets the message next
   */
  async function tryOnce(entries: readonly Entry<Item>[], onLettersFirst = () => {}): Promise<unknown> {
    const letters: Entry<Item>[] = [];
    const items: Entry<Item>[] = [];
    for (const entry of entries) if (!entry.settled) ('item' in entry.todo ? items : letters).push(entry);
    let handling = items.length > 0;
    const handled = handleAll(items).finally(() => {
      handling = false;
    });
    const kept = Promise.all(letters.map(sendLetter)).then(() => {
      if (handling && letters.length > 0) onLettersFirst();
    });
    const outcomes = await Promise.allSettled([handled, kept]);
    for (const outcome of outcomes) if (outcome.status === 'rejected') return outcome.reason ?? new Error('unknown');
    return undefined;
  }

  async function handleAll(entries: Entry<Item>[]): Promise<void> {
    if (entries.length === 0) return;
    const items = entries.map(({ todo }) => (todo as { item: Item }).item);
    const refusals = tracer ? await handleInSpans(tracer, entries, items) : await handle(items);
    const refused = entries.filter((entry, index) => {
      const refusal = refusals?.[index];
      if (refusal) entry.todo = { refusal };
      else entry.settled = true;
      return refusal;
    });
    if (refused.length > 0) await Promise.all(refused.map(sendLetter));
  }

  async function handleInSpans(tracer: Tracer, entries: readonly Entry<Item>[], items: Item[]) {
    const deliveries = entries.map(({ delivery }) => delivery);
    const spans = startConsumeSpans(tracer, queue, deliveries);
    try {
      const refusals = await handle(items, spans.traceparents);
      spans.end(refusals);
      return refusals;
    } catch (error) {
      spans.fail(error);
      throw error;
    }
  }

  async function sendLetter(entry: Entry<Item>): Promise<void> {
    const { reason, detail } = (entry.todo as { refusal: Refusal }).refusal;
    const { delivery } = entry;
    await inDeadLetterSpan(tracer, queue, { delivery, reason }, () => deadLetter(delivery, reason, detail));
    entry.settled = true;
  }

  /** Finds the messages that are to blame: those that fail while others succeed. While all fail, all wait. */
  async function settleOneByOne(entries: Entry<Item>[], options: Settling<Item>): Promise<void> {
    const { takeMore, goesOn } = options;
    /** How often each message has failed since another one succeeded. undefined: no other has. */
    const failures = new Map<Entry<Item>, number | undefined>();
    for (let round = 1; ; round++) {
      for (const entry of entries) {
        if (entry.settled) continue;
        if (!goesOn()) return;
        const wasItem = 'item' in entry.todo;
        const error = await tryOnce([entry]);
        if (error === undefined) {
          failures.delete(entry);
          // Only a handled item is a success. A dead letter says nothing about `handle`.
          if (wasItem) for (const [other, count] of failures) failures.set(other, count ?? 0);
        } else if (!isForeseen(error)) {
          const count = failures.get(entry);
          failures.set(entry, count === undefined ? undefined : count + 1);
          if (count === UNFORESEEN_RETRIES - 1) entry.todo = { refusal: CANNOT_BE_HANDLED };
        }
      }
      if (entries.every(({ settled }) => settled)) return;
      acknowledgeSettled(entries, options);
      if (!(await pause(round, goesOn))) return;
      entries.push(...takeMore());
    }
  }

  return { toEntry, settle };
}

const isForeseen = (error: unknown) =>
  error instanceof HealifyError && error.retryable && (!(error instanceof StoreUnavailableError) || error.foreseen);

/** Waits before the next try, longer each time and with jitter. Returns false if there must be no next try. */
async function pause(tries: number, goesOn: () => boolean): Promise<boolean> {
  if (!goesOn()) return false;
  await sleep(Math.random() * Math.min(RETRY_MAX_MS, RETRY_BASE_MS * 2 ** tries));
  return goesOn();
}
