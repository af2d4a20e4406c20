import { readTraceparent, type TraceContext } from '../../contracts/traceparent.ts';
import type { NewSpan, Span, SpanAttributes } from '../../contracts/tracer.ts';

/** A batch of deliveries links to each of them. */
const MAX_LINKS = 1_000;
const NO_LINKS: TraceContext[] = [];
const NO_ATTRIBUTES: SpanAttributes = {};

/** A span that is kept. It only notes what it is told, and two times. */
export class RecordedSpan implements Span, TraceContext {
  readonly name: string;
  readonly kind: NewSpan['kind'];
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  /** Sampled. Other spans are not recorded. */
  readonly flags = 1;
  /** ms since 1970 */
  readonly startedAt = Date.now();
  durationMs = 0;
  attributes: SpanAttributes;
  readonly shared: SpanAttributes | undefined;
  links = NO_LINKS;
  droppedLinks = 0;
  /** undefined: it has not failed */
  errorCode: string | undefined;
  /** By the monotonic clock, in ms. */
  #began = performance.now();
  #ended = false;
  #onEnd: (span: RecordedSpan) => void;

  constructor(
    { name, kind, links, attributes, shared }: NewSpan,
    ids: { traceId: string; spanId: string; parentSpanId: string | undefined },
    onEnd: (span: RecordedSpan) => void,
  ) {
    this.name = name;
    this.kind = kind;
    this.traceId = ids.traceId;
    this.spanId = ids.spanId;
    this.parentSpanId = ids.parentSpanId;
    this.attributes = attributes ?? NO_ATTRIBUTES;
    this.shared = shared;
    this.#onEnd = onEnd;
    for (const link of links ?? []) this.link(link);
  }

  /** Most spans have no children, so it is made when it is needed. */
  get traceparent(): string {
    return `00-${this.traceId}-${this.spanId}-01`;
  }

  set(attributes: SpanAttributes): void {
    this.attributes = { ...this.attributes, ...attributes };
  }

  link(traceparent: string): void {
    const linked = readTraceparent(traceparent);
    if (!linked) return;
    if (this.links.length === MAX_LINKS) this.droppedLinks += 1;
    else if (this.links === NO_LINKS) this.links = [linked];
    else this.links.push(linked);
  }

  fail(code: string): void {
    this.errorCode = code;
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.durationMs = performance.now() - this.#began;
    this.#onEnd(this);
  }
}
