import type { SpanAttributes } from '../../contracts/tracer.ts';
import { ProtobufWriter } from './protobuf-writer.ts';
import type { RecordedSpan } from './recorded-span.ts';

/** A batch of spans as it is sent. */
export interface OtlpBatch {
  spans: number;
  bytes: Uint8Array;
}

/** Who sends the spans. */
export interface Sender {
  resource: Record<string, unknown>;
  scope: { name: string; version: string };
}

/** The numbers of the fields, from `trace.proto`, `resource.proto` and `common.proto` of OTLP. */
const RESOURCE_SPANS = 1;
const resourceSpans = { resource: 1, scopeSpans: 2 } as const;
const resourceFields = { attributes: 1 } as const;
const scopeSpans = { scope: 1, spans: 2 } as const;
const scopeFields = { name: 1, version: 2 } as const;
const spanFields = {
  ...{ traceId: 1, spanId: 2, parentSpanId: 4, name: 5, kind: 6, startTime: 7, endTime: 8, attributes: 9 },
  ...{ links: 13, droppedLinksCount: 14, status: 15, flags: 16 },
} as const;
const linkFields = { traceId: 1, spanId: 2, flags: 6 } as const;
const keyValue = { key: 1, value: 2 } as const;
const anyValue = { string: 1, bool: 2, int: 3, double: 4, array: 5 } as const;
const arrayValue = { values: 1 } as const;
const statusFields = { code: 3 } as const;

const KINDS = { internal: 1, server: 2, client: 3, producer: 4, consumer: 5 } as const;
const ERROR = 2;
/** That it is known whether a parent or a link is in another process, and that it is: a traceparent does not say. */
const REMOTE = 0x300;
const SAMPLED = 1;

/**
 * Writes spans in OTLP's form, each as soon as it has ended. So nothing of a span is kept but its bytes, and the garbage
 * collector does not have to move what waits to be sent.
 */
export class OtlpBatchWriter {
  #writer = new ProtobufWriter();
  #sender: Sender;
  /** Attributes that many spans share, as they are written. */
  #shared = new WeakMap<SpanAttributes, Uint8Array>();
  #spans = 0;
  #starts = { resource: 0, scope: 0 };

  constructor(sender: Sender) {
    this.#sender = sender;
  }

  /** How many spans were added since the last `take`. */
  get spans(): number {
    return this.#spans;
  }

  add(span: RecordedSpan): void {
    if (this.#spans === 0) this.#begin();
    this.#spans += 1;
    const writer = this.#writer;
    const from = writer.begin(scopeSpans.spans);
    writer.hex(spanFields.traceId, span.traceId);
    writer.hex(spanFields.spanId, span.spanId);
    if (span.parentSpanId) writer.hex(spanFields.parentSpanId, span.parentSpanId);
    writer.text(spanFields.name, span.name);
    writer.integer(spanFields.kind, KINDS[span.kind]);
    writer.nanoseconds(spanFields.startTime, span.startedAt, 0);
    writer.nanoseconds(spanFields.endTime, span.startedAt, span.durationMs);
    if (span.shared) writer.raw(this.#bytesOf(span.shared));
    writeAttributes(writer, spanFields.attributes, span.attributes);
    for (const { traceId, spanId, flags } of span.links) {
      const link = writer.beginShort(spanFields.links);
      writer.hex(linkFields.traceId, traceId);
      writer.hex(linkFields.spanId, spanId);
      writer.fixed32(linkFields.flags, REMOTE | flags);
      writer.endShort(link);
    }
    if (span.droppedLinks > 0) writer.integer(spanFields.droppedLinksCount, span.droppedLinks);
    if (span.errorCode !== undefined) {
      writeAttribute(writer, spanFields.attributes, 'error.type', span.errorCode);
      const status = writer.beginShort(spanFields.status);
      writer.integer(statusFields.code, ERROR);
      writer.endShort(status);
    }
    writer.fixed32(spanFields.flags, REMOTE | SAMPLED);
    writer.end(from);
  }

  /** The spans that were added, as the body of a request. At least one must have been. */
  take(): OtlpBatch {
    this.#writer.end(this.#starts.scope);
    this.#writer.end(this.#starts.resource);
    const spans = this.#spans;
    this.#spans = 0;
    return { spans, bytes: this.#writer.take() };
  }

  #begin(): void {
    const writer = this.#writer;
    const { resource, scope } = this.#sender;
    this.#starts.resource = writer.begin(RESOURCE_SPANS);
    const about = writer.begin(resourceSpans.resource);
    writeAttributes(writer, resourceFields.attributes, resource);
    writer.end(about);
    this.#starts.scope = writer.begin(resourceSpans.scopeSpans);
    const named = writer.begin(scopeSpans.scope);
    writer.text(scopeFields.name, scope.name);
    writer.text(scopeFields.version, scope.version);
    writer.end(named);
  }

  #bytesOf(shared: SpanAttributes): Uint8Array {
    let bytes = this.#shared.get(shared);
    if (!bytes) {
      const writer = new ProtobufWriter();
      writeAttributes(writer, spanFields.attributes, shared);
      bytes = writer.take();
      this.#shared.set(shared, bytes);
    }
    return bytes;
  }
}

function writeAttributes(
  writer: ProtobufWriter,
  field: number,
  attributes: SpanAttributes | Record<string, unknown>,
): void {
  for (const key in attributes) writeAttribute(writer, field, key, (attributes as Record<string, unknown>)[key]);
}

function writeAttribute(writer: ProtobufWriter, field: number, key: string, value: unknown): void {
  if (value === undefined) return;
  const from = writer.begin(field);
  writer.text(keyValue.key, key);
  writeValue(writer, keyValue.value, value);
  writer.end(from);
}

function writeValue(writer: ProtobufWriter, field: number, value: unknown): void {
  const from = writer.begin(field);
  if (typeof value === 'string') writer.text(anyValue.string, value);
  else if (typeof value === 'boolean') writer.integer(anyValue.bool, value ? 1 : 0);
  else if (Number.isSafeInteger(value) && (value as number) >= 0) writer.integer(anyValue.int, value as number);
  else if (typeof value === 'number') writer.double(anyValue.double, value);
  else if (Array.isArray(value)) {
    const array = writer.begin(anyValue.array);
    for (const each of value) writeValue(writer, arrayValue.values, each);
    writer.end(array);
  }
  writer.end(from);
}
