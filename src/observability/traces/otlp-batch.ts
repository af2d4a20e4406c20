import { PbfWriter } from 'pbf';
import type { SpanAttributes } from '../../contracts/tracer.ts';
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

/** The type of a field of 8 bytes, and of one with a length, in the encoding of protobuf. */
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;

const FIRST_BYTES = 64 * 1024;
/** Room for what stands around the spans. If it takes more, the buffer grows. */
const AROUND_BYTES = 4 * 1024;
const MAX_VALUE_CHARS = 4_000;

/**
 * Writes spans in OTLP's form, each as soon as it has ended. So nothing of a span is kept but its bytes, and the garbage
 * collector does not have to move what waits to be sent.
 */
export class OtlpBatchWriter {
  /** The spans, as fields of their scope. */
  #written = new PbfWriter(new Uint8Array(FIRST_BYTES));
  #sender: Sender;
  /** Attributes that many spans share, as they are written. */
  #shared = new WeakMap<SpanAttributes, Uint8Array>();
  #spans = 0;

  constructor(sender: Sender) {
    this.#sender = sender;
  }

  /** How many spans were added since the last `take`. */
  get spans(): number {
    return this.#spans;
  }

  add(span: RecordedSpan): void {
    this.#spans += 1;
    this.#written.writeMessage(scopeSpans.spans, this.#writeSpan, span);
  }

  /** The spans that were added, as the body of a request. At least one must have been. */
  take(): OtlpBatch {
    const spans = this.#spans;
    this.#spans = 0;
    const body = new PbfWriter(new Uint8Array(this.#written.pos + AROUND_BYTES));
    body.writeMessage(RESOURCE_SPANS, this.#writeResourceSpans, this.#sender);
    this.#written.pos = 0;
    return { spans, bytes: body.finish() };
  }

  #writeResourceSpans = ({ resource, scope }: Sender, writer: PbfWriter): void => {
    writer.writeMessage(resourceSpans.resource, writeResource, resource);
    writer.writeMessage(resourceSpans.scopeSpans, this.#writeScopeSpans, scope);
  };

  #writeScopeSpans = (scope: Sender['scope'], writer: PbfWriter): void => {
    writer.writeMessage(scopeSpans.scope, writeScope, scope);
    writeRaw(writer, this.#written.buf.subarray(0, this.#written.pos));
  };

  #writeSpan = (span: RecordedSpan, writer: PbfWriter): void => {
    writeHex(writer, spanFields.traceId, span.traceId);
    writeHex(writer, spanFields.spanId, span.spanId);
    if (span.parentSpanId) writeHex(writer, spanFields.parentSpanId, span.parentSpanId);
    writeName(writer, spanFields.name, span.name);
    writer.writeVarintField(spanFields.kind, KINDS[span.kind]);
    writeNanoseconds(writer, spanFields.startTime, span.startedAt, 0);
    writeNanoseconds(writer, spanFields.endTime, span.startedAt, span.durationMs);
    if (span.shared) writeRaw(writer, this.#bytesOf(span.shared));
    writeAttributes(writer, spanFields.attributes, span.attributes);
    for (const link of span.links) writer.writeMessage(spanFields.links, writeLink, link);
    if (span.droppedLinks > 0) writer.writeVarintField(spanFields.droppedLinksCount, span.droppedLinks);
    if (span.errorCode !== undefined) {
      writeAttribute(writer, spanFields.attributes, 'error.type', span.errorCode);
      writer.writeMessage(spanFields.status, writeStatus, ERROR);
    }
    writer.writeFixed32Field(spanFields.flags, REMOTE | SAMPLED);
  };

  #bytesOf(shared: SpanAttributes): Uint8Array {
    let bytes = this.#shared.get(shared);
    if (!bytes) {
      const writer = new PbfWriter();
      writeAttributes(writer, spanFields.attributes, shared);
      bytes = writer.finish();
      this.#shared.set(shared, bytes);
    }
    return bytes;
  }
}

function writeResource(resource: Sender['resource'], writer: PbfWriter): void {
  writeAttributes(writer, resourceFields.attributes, resource);
}

function writeScope({ name, version }: Sender['scope'], writer: PbfWriter): void {
  writeText(writer, scopeFields.name, name);
  writeText(writer, scopeFields.version, version);
}

function writeLink({ traceId, spanId, flags }: RecordedSpan['links'][number], writer: PbfWriter): void {
  writeHex(writer, linkFields.traceId, traceId);
  writeHex(writer, linkFields.spanId, spanId);
  writer.writeFixed32Field(linkFields.flags, REMOTE | flags);
}

function writeStatus(code: number, writer: PbfWriter): void {
  writer.writeVarintField(statusFields.code, code);
}

function writeAttributes(writer: PbfWriter, field: number, attributes: SpanAttributes | Record<string, unknown>): void {
  for (const key in attributes) writeAttribute(writer, field, key, (attributes as Record<string, unknown>)[key]);
}

function writeAttribute(writer: PbfWriter, field: number, key: string, value: unknown): void {
  if (value !== undefined) writer.writeMessage(field, writeKeyValue, [key, value] as const);
}

function writeKeyValue([key, value]: readonly [string, unknown], writer: PbfWriter): void {
  writeName(writer, keyValue.key, key);
  writer.writeMessage(keyValue.value, writeValue, value);
}

function writeValue(value: unknown, writer: PbfWriter): void {
  if (typeof value === 'string') writeText(writer, anyValue.string, value);
  else if (typeof value === 'boolean') writer.writeBooleanField(anyValue.bool, value);
  else if (Number.isSafeInteger(value)) writer.writeVarintField(anyValue.int, value as number);
  else if (typeof value === 'number') writer.writeDoubleField(anyValue.double, value);
  else if (Array.isArray(value)) writer.writeMessage(anyValue.array, writeValues, value);
}

function writeValues(values: unknown[], writer: PbfWriter): void {
  for (const value of values) writer.writeMessage(arrayValue.values, writeValue, value);
}

/** A text. It is cut after 4,000 characters. */
function writeText(writer: PbfWriter, field: number, text: string): void {
  writer.writeStringField(field, text.length > MAX_VALUE_CHARS ? text.slice(0, MAX_VALUE_CHARS) : text);
}

/** The names of spans and attributes, as they are written. There are few: a name has no id and no text. */
const names = new Map<string, Uint8Array>();

function writeName(writer: PbfWriter, field: number, name: string): void {
  let bytes = names.get(name);
  if (!bytes) {
    bytes = Buffer.from(name);
    names.set(name, bytes);
  }
  writer.writeBytesField(field, bytes);
}

/** Fields that were written before. */
function writeRaw(writer: PbfWriter, bytes: Uint8Array): void {
  writer.realloc(bytes.length);
  writer.buf.set(bytes, writer.pos);
  writer.pos += bytes.length;
}

/** Bytes, given as hexadecimal digits in lower case. */
function writeHex(writer: PbfWriter, field: number, digits: string): void {
  const length = digits.length / 2;
  writer.writeTag(field, LENGTH_DELIMITED);
  writer.writeVarint(length);
  writer.realloc(length);
  const { buf, pos } = writer;
  for (let i = 0; i < length; i += 1) {
    buf[pos + i] = (DIGITS[digits.charCodeAt(2 * i)]! << 4) | DIGITS[digits.charCodeAt(2 * i + 1)]!;
  }
  writer.pos = pos + length;
}

/** What a character is worth as a digit. To look it up takes half the time of working it out. */
const DIGITS = new Uint8Array(128);
for (const [value, digit] of [...'0123456789abcdef'].entries()) DIGITS[digit.charCodeAt(0)] = value;

/** A time in ns, which is more than a number can hold. @param ms an integer @param moreMs from 0, with a fraction */
function writeNanoseconds(writer: PbfWriter, field: number, ms: number, moreMs: number): void {
  const wholeMs = ms + Math.floor(moreMs);
  // The product is made of parts of 16 bits, each small enough to be exact.
  const low = (wholeMs % 2 ** 16) * 1e6 + Math.round((moreMs % 1) * 1e6);
  const middle = (Math.floor(wholeMs / 2 ** 16) % 2 ** 16) * 1e6 + Math.floor(low / 2 ** 16);
  const high = Math.floor(wholeMs / 2 ** 32) * 1e6 + Math.floor(middle / 2 ** 16);
  writer.writeTag(field, FIXED64);
  writer.writeFixed32((middle % 2 ** 16) * 2 ** 16 + (low % 2 ** 16));
  writer.writeFixed32(high);
}
