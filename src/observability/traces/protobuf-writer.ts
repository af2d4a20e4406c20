const FIRST_BYTES = 64 * 1024;
/** Shorter texts are written faster here than by Node. */
const SHORT = 64;
/** A nested message has this many bytes for its length: up to 256 MB. A text or a value has two: up to 16 kB. */
const MESSAGE_LENGTH = 4;
const VALUE_LENGTH = 2;
/** At most three bytes for each, so they fit into what a value's length can say. */
const MAX_VALUE_CHARS = 4_000;

const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

/**
 * Writes protobuf into a buffer that grows. The length of a message is not known before its end, so it is written afterwards
 * into bytes that were left free. They may be more than needed, which protobuf allows.
 */
export class ProtobufWriter {
  #bytes = Buffer.allocUnsafe(FIRST_BYTES);
  #at = 0;

  get length(): number {
    return this.#at;
  }

  /** Returns what was written, and starts anew. */
  take(): Uint8Array {
    const taken = Buffer.from(this.#bytes.subarray(0, this.#at));
    this.#at = 0;
    return taken;
  }

  /** Begins a nested message. @returns where, for `end` */
  begin(field: number): number {
    return this.#begin(field, MESSAGE_LENGTH);
  }

  end(from: number): void {
    this.#end(from, MESSAGE_LENGTH);
  }

  /** The same for a message that is shorter than 16 kB. */
  beginShort(field: number): number {
    return this.#begin(field, VALUE_LENGTH);
  }

  endShort(from: number): void {
    this.#end(from, VALUE_LENGTH);
  }

  /** What another writer has written. */
  raw(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  /** A text. It is cut after 4,000 characters. */
  text(field: number, value: string): void {
    const text = value.length > MAX_VALUE_CHARS ? value.slice(0, MAX_VALUE_CHARS) : value;
    const from = this.#begin(field, VALUE_LENGTH);
    this.#room(3 * text.length);
    if (!this.#ascii(text)) this.#at = from + VALUE_LENGTH + this.#bytes.write(text, from + VALUE_LENGTH);
    this.#end(from, VALUE_LENGTH);
  }

  /** Bytes, given as hexadecimal digits. */
  hex(field: number, digits: string): void {
    this.#room(2 + digits.length / 2);
    // A loop over fields of this object would take five times as long.
    const bytes = this.#bytes;
    let at = this.#at;
    bytes[at++] = (field << 3) | LENGTH_DELIMITED;
    bytes[at++] = digits.length / 2;
    for (let i = 0; i < digits.length; i += 2) {
      bytes[at++] = (digitOf(digits.charCodeAt(i)) << 4) | digitOf(digits.charCodeAt(i + 1));
    }
    this.#at = at;
  }

  /** @param value an integer from 0 */
  integer(field: number, value: number): void {
    this.#room(12);
    this.#tag(field, VARINT);
    let rest = value;
    while (rest > 127) {
      this.#bytes[this.#at++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.#at++] = rest;
  }

  double(field: number, value: number): void {
    this.#room(10);
    this.#tag(field, FIXED64);
    this.#at = this.#bytes.writeDoubleLE(value, this.#at);
  }

  fixed32(field: number, value: number): void {
    this.#room(6);
    this.#tag(field, FIXED32);
    this.#at = this.#bytes.writeUInt32LE(value, this.#at);
  }

  /** A time in ns, which is more than a number can hold. @param ms an integer @param moreMs from 0, with a fraction */
  nanoseconds(field: number, ms: number, moreMs: number): void {
    this.#room(10);
    this.#tag(field, FIXED64);
    const wholeMs = ms + Math.floor(moreMs);
    // The product is made of parts of 16 bits, each small enough to be exact.
    const low = (wholeMs % 2 ** 16) * 1e6 + Math.round((moreMs % 1) * 1e6);
    const middle = (Math.floor(wholeMs / 2 ** 16) % 2 ** 16) * 1e6 + Math.floor(low / 2 ** 16);
    const high = Math.floor(wholeMs / 2 ** 32) * 1e6 + Math.floor(middle / 2 ** 16);
    this.#at = this.#bytes.writeUInt32LE((middle % 2 ** 16) * 2 ** 16 + (low % 2 ** 16), this.#at);
    this.#at = this.#bytes.writeUInt32LE(high, this.#at);
  }

  #begin(field: number, width: number): number {
    this.#room(2 + width);
    this.#tag(field, LENGTH_DELIMITED);
    this.#at += width;
    return this.#at - width;
  }

  #end(from: number, width: number): void {
    const bytes = this.#bytes;
    const last = from + width - 1;
    let rest = this.#at - from - width;
    for (let at = from; at < last; at += 1) {
      bytes[at] = (rest & 127) | 128;
      rest >>>= 7;
    }
    bytes[last] = rest;
  }

  /** @param field below 2048 */
  #tag(field: number, type: number): void {
    const tag = (field << 3) | type;
    if (tag > 127) {
      this.#bytes[this.#at++] = (tag & 127) | 128;
      this.#bytes[this.#at++] = tag >>> 7;
    } else {
      this.#bytes[this.#at++] = tag;
    }
  }

  /** Writes a short text of ASCII. @returns false if it is none */
  #ascii(text: string): boolean {
    if (text.length > SHORT) return false;
    const bytes = this.#bytes;
    let at = this.#at;
    for (let i = 0; i < text.length; i += 1) {
      const code = text.charCodeAt(i);
      if (code > 127) return false;
      bytes[at++] = code;
    }
    this.#at = at;
    return true;
  }

  #room(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(2 * (this.#at + bytes));
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
  }
}

/** Of a hexadecimal digit in lower case. */
const digitOf = (code: number) => (code < 58 ? code - 48 : code - 87);
