// Breaks apis on purpose, to see the harness fail: now and then a reader is not sent a piece of the answer, or gets it twice.
import { ServerResponse } from 'node:http';

const EVERY = 50;

type Write = (this: ServerResponse, chunk: unknown, ...rest: unknown[]) => boolean;

const write = ServerResponse.prototype.write as Write;
let pieces = 0;
ServerResponse.prototype.write = function (chunk, ...rest) {
  if (typeof chunk !== 'string' || !chunk.includes('\nevent: delta\n')) return write.call(this, chunk, ...rest);
  pieces += 1;
  if (pieces % EVERY === 0) return true;
  return write.call(this, pieces % EVERY === EVERY / 2 ? chunk + chunk : chunk, ...rest);
} as Write;
