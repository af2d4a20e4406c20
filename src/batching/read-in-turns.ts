import type { Readable } from 'node:stream';

/**
 * Reads at most one piece (64 KiB) in each turn of the event loop. Node reads up to 2 MiB, and whoever takes long for it keeps
 * everybody else waiting.
 */
export function readInTurns(socket: Readable): void {
  const read = socket._read;
  socket._read = function readInNextTurn(this: Readable, size: number): void {
    setImmediate(() => read.call(this, size));
  };
}
