/**
 * Bodies of AMQP 1.0 clients. If the body is a *data* section, RabbitMQ passes on the bytes in it. It passes on any
 * other body as the client encoded it. Such a body begins with a zero byte, so it cannot be mistaken for JSON.
 */

/** The content of an AMQP 1.0 body: its text, or why it has none. */
export type Amqp10Body = { text: Buffer } | { problem: string };

const DESCRIBED = 0x00;
const SMALL_ULONG = 0x53;
const ULONG = 0x80;
/** Sections by their descriptor. */
const DATA = 0x75;
const SEQUENCE = 0x76;
const VALUE = 0x77;
/** Sections before and after the body: header, annotations, properties and footer. */
const isAroundBody = (section: number) => (section >= 0x70 && section <= 0x74) || section === 0x78;

/** Types whose length is one byte long, and types whose length is four: binary, string, symbol, list, map, array. */
const SHORT = [0xa0, 0xa1, 0xa3, 0xc0, 0xc1, 0xe0];
const LONG = [0xb0, 0xb1, 0xb3, 0xd0, 0xd1, 0xf0];
const EMPTY_LIST = 0x45;
const BINARY = [0xa0, 0xb0];
const TEXT = [...BINARY, 0xa1, 0xb1];

const OTHERWISE = 'send the JSON as a data section or as a string';

export const isAmqp10Body = (body: Buffer) =>
  body[0] === DESCRIBED && (body[1] === SMALL_ULONG || body[1] === ULONG) && body.length > 3;

/** Reads a body for which `isAmqp10Body` is true: a value that is a string or binary, or one or more data sections. */
export function readAmqp10Body(body: Buffer): Amqp10Body {
  const parts: Buffer[] = [];
  try {
    for (let at = 0; at < body.length; ) {
      const section = sectionAt(body, at);
      const { type, content, end } = valueAt(body, section.end);
      if (section.id === SEQUENCE) return { problem: `the body is an AMQP 1.0 sequence: ${OTHERWISE}` };
      if (section.id === VALUE && !TEXT.includes(type)) {
        return { problem: `the body is an AMQP 1.0 value that is no string: ${OTHERWISE}` };
      }
      if (section.id === VALUE || (section.id === DATA && BINARY.includes(type))) parts.push(content);
      else if (!isAroundBody(section.id)) throw new RangeError();
      at = end;
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return { problem: `the body begins as AMQP 1.0 does, and cannot be decoded as such: ${OTHERWISE}` };
  }
  return { text: Buffer.concat(parts) };
}

/** @throws RangeError if the body ends too early, or no section begins here */
function sectionAt(body: Buffer, at: number): { id: number; end: number } {
  if (body.readUInt8(at) !== DESCRIBED) throw new RangeError();
  const type = body.readUInt8(at + 1);
  if (type === SMALL_ULONG) return { id: body.readUInt8(at + 2), end: at + 3 };
  if (type === ULONG) return { id: Number(body.readBigUInt64BE(at + 2)), end: at + 10 };
  throw new RangeError();
}

/** @throws RangeError if the body ends too early */
function valueAt(body: Buffer, at: number): { type: number; content: Buffer; end: number } {
  const type = body.readUInt8(at);
  if (type === EMPTY_LIST) return { type, content: Buffer.alloc(0), end: at + 1 };
  const isShort = SHORT.includes(type);
  // Numbers, booleans and null are not text, so the body is refused without reading the rest.
  if (!isShort && !LONG.includes(type)) return { type, content: Buffer.alloc(0), end: body.length };
  const start = at + (isShort ? 2 : 5);
  const end = start + (isShort ? body.readUInt8(at + 1) : body.readUInt32BE(at + 1));
  if (end > body.length) throw new RangeError();
  return { type, content: body.subarray(start, end), end };
}
