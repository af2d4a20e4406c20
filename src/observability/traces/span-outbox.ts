import { setTimeout as sleep } from 'node:timers/promises';
import { type OtlpBatch, OtlpBatchWriter, type Sender } from './otlp-batch.ts';
import type { RecordedSpan } from './recorded-span.ts';

/**
 * How many spans are sent at once, about 370 kB. A request has a price of its own: with 512 spans in each, sending cost half as
 * much again.
 */
const BATCH = 2_048;

/**
 * Takes spans that have ended, and sends them in batches, one batch at a time. A span is:
 * - *collected*: it waits for others, until they are 2,048, or half of `maxSpans` if that is less, or until the delay is over.
 * - *ready*: its batch waits until the one before it was sent.
 * - *being sent*, and then *gone*, whether or not the collector has taken it.
 *
 *     collected ── enough are together, or the delay is over ──> ready ── nothing is being sent ──> being sent ──> gone
 *
 * If `maxSpans` are collected or ready, further ones are dropped. So a collector that is away or slow holds up no work.
 */
export interface SpanOutbox {
  add(span: RecordedSpan): void;
  /** Sends what is left. Resolves after a while even if the collector does not take it. */
  stop(timeoutMs: number): Promise<void>;
}

/**
 * @param options.send must never reject
 * @param options.onDropped hears of each span that is dropped
 */
export function createSpanOutbox(options: {
  sender: Sender;
  send(batch: OtlpBatch): Promise<void>;
  delayMs: number;
  maxSpans: number;
  onDropped(): void;
}): SpanOutbox {
  const { send, delayMs, maxSpans, onDropped } = options;
  const enough = Math.min(BATCH, Math.floor(maxSpans / 2));
  const collected = new OtlpBatchWriter(options.sender);
  const ready: OtlpBatch[] = [];
  let readySpans = 0;
  let timer: NodeJS.Timeout | undefined;
  let sending: Promise<void> | undefined;

  /** The collected spans become a batch. */
  function close(): void {
    clearTimeout(timer);
    timer = undefined;
    if (collected.spans === 0) return;
    const batch = collected.take();
    ready.push(batch);
    readySpans += batch.spans;
    sending ??= sendAll().finally(() => {
      sending = undefined;
    });
  }

  async function sendAll(): Promise<void> {
    for (let batch = ready.shift(); batch; batch = ready.shift()) {
      readySpans -= batch.spans;
      await send(batch);
    }
  }

  return {
    add: (span) => {
      if (collected.spans + readySpans >= maxSpans) {
        onDropped();
        return;
      }
      collected.add(span);
      if (collected.spans >= enough) close();
      else timer ??= setTimeout(close, delayMs).unref();
    },
    stop: async (timeoutMs) => {
      close();
      await Promise.race([sending, sleep(timeoutMs, undefined, { ref: false })]);
    },
  };
}
