const PROGRESS_EVERY_MS = 5_000;

/**
 * A line that is overwritten on a terminal. Elsewhere, a new line every few seconds.
 * @param done what is done: `sent`
 */
export function progressLine(stream: NodeJS.WriteStream, done: string) {
  let saidAt = performance.now();
  let open = false;
  return {
    show: (count: number, of: number) => {
      const isLast = count === of;
      if (performance.now() - saidAt < (stream.isTTY ? 100 : PROGRESS_EVERY_MS) && !(isLast && open)) return;
      saidAt = performance.now();
      stream.write(`${stream.isTTY ? '\r' : ''}${count} of ${of} ${done}${stream.isTTY ? '' : '\n'}`);
      open = stream.isTTY;
    },
    end: () => {
      if (open) stream.write('\n');
    },
  };
}
