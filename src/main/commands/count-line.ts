const SAID_EVERY_MS = { terminal: 100, elsewhere: 5_000 };

/**
 * Says how many are done, where nobody knows how many there are: on a terminal in one line that is overwritten, elsewhere in a
 * line every few seconds.
 * @param what is counted: `keys`
 */
export function countLine(stream: NodeJS.WriteStream, what: string): (count: number) => void {
  let saidAt = performance.now();
  return (count) => {
    if (performance.now() - saidAt < SAID_EVERY_MS[stream.isTTY ? 'terminal' : 'elsewhere']) return;
    saidAt = performance.now();
    stream.write(`${stream.isTTY ? '\r' : ''}${count} ${what}${stream.isTTY ? '' : '\n'}`);
  };
}
