import {
  type Attributes,
  type HrTime,
  type Link,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
} from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { readTraceparent } from '../../contracts/traceparent.ts';
import type { NewSpan, Span, SpanAttributes } from '../../contracts/tracer.ts';

const KINDS: Record<NewSpan['kind'], SpanKind> = {
  internal: SpanKind.INTERNAL,
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
};

/** A batch of deliveries links to each of them. */
const MAX_LINKS = 1_000;
const NO_LINKS: Link[] = [];
const NO_EVENTS: never[] = [];
const NO_ATTRIBUTES: Attributes = {};
const UNSET = { code: SpanStatusCode.UNSET };
const FAILED = { code: SpanStatusCode.ERROR };

/** What all spans of a process have in common. */
export interface Recorder {
  resource: Resource;
  instrumentationScope: { name: string; version: string };
  /** Takes a span that has ended. */
  onEnd(span: ReadableSpan): void;
}

/**
 * A span that is kept. While the work goes on, it only notes what it is told and two times. What OpenTelemetry's exporter wants to
 * read is made when it reads it. The SDK's own span does most of this at once, and takes five times as long.
 */
export class RecordedSpan implements Span, ReadableSpan {
  readonly name: string;
  readonly kind: SpanKind;
  readonly traceparent: string;
  readonly parentSpanContext?: SpanContext;
  readonly events = NO_EVENTS;
  readonly droppedAttributesCount = 0;
  readonly droppedEventsCount = 0;
  attributes: Attributes;
  links = NO_LINKS;
  droppedLinksCount = 0;
  status = UNSET;
  ended = false;
  #recorder: Recorder;
  #context: SpanContext;
  /** ms since 1970 */
  #startedAt = Date.now();
  /** By the monotonic clock, in ms. */
  #began = performance.now();
  #durationMs = 0;

  constructor(
    recorder: Recorder,
    { name, kind, links, attributes }: NewSpan,
    context: SpanContext,
    parent?: SpanContext,
  ) {
    this.#recorder = recorder;
    this.#context = context;
    this.name = name;
    this.kind = KINDS[kind];
    this.traceparent = `00-${context.traceId}-${context.spanId}-01`;
    if (parent) this.parentSpanContext = parent;
    this.attributes = attributes ? { ...attributes } : NO_ATTRIBUTES;
    for (const link of links ?? []) this.link(link);
  }

  set(attributes: SpanAttributes): void {
    if (!this.ended) this.attributes = { ...this.attributes, ...attributes };
  }

  link(traceparent: string): void {
    const linked = readTraceparent(traceparent);
    if (!linked || this.ended) return;
    if (this.links.length === MAX_LINKS) {
      this.droppedLinksCount += 1;
      return;
    }
    if (this.links === NO_LINKS) this.links = [];
    this.links.push({ context: contextOf(linked) });
  }

  fail(code: string): void {
    if (this.ended) return;
    this.status = FAILED;
    this.attributes = { ...this.attributes, 'error.type': code };
  }

  end(): void {
    if (this.ended) return;
    this.ended = true;
    this.#durationMs = performance.now() - this.#began;
    this.#recorder.onEnd(this);
  }

  spanContext(): SpanContext {
    return this.#context;
  }

  get resource(): Resource {
    return this.#recorder.resource;
  }

  get instrumentationScope() {
    return this.#recorder.instrumentationScope;
  }

  get startTime(): HrTime {
    return toHrTime(this.#startedAt);
  }

  get endTime(): HrTime {
    return toHrTime(this.#startedAt, this.#durationMs);
  }

  get duration(): HrTime {
    return toHrTime(0, this.#durationMs);
  }
}

/** A traceparent as OpenTelemetry holds it. */
export const contextOf = ({ traceId, spanId, flags }: { traceId: string; spanId: string; flags: number }) => ({
  traceId,
  spanId,
  traceFlags: flags,
  isRemote: true,
});

/** @param ms an integer; together with nanoseconds it would be more than a number can hold exactly */
function toHrTime(ms: number, moreMs = 0): HrTime {
  const seconds = Math.floor(ms / 1_000);
  const nanos = Math.round(((ms % 1_000) + moreMs) * 1e6);
  return [seconds + Math.floor(nanos / 1e9), nanos % 1e9];
}
