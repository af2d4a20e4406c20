import type { Writable } from 'node:stream';

/**
 * Sends everything that is written in one turn of the event loop in one system call, which costs more than a command
 * does.
 */
export function writeTogether(socket: Writable): void {
  const write = socket.write;
  let corked = false;
  socket.write = function writeCorked(this: Writable, ...args: unknown[]): boolean {
    if (!corked) {
      corked = true;
      socket.cork();
      setImmediate(() => {
        corked = false;
        socket.uncork();
      });
    }
    return Reflect.apply(write, this, args);
  };
}
