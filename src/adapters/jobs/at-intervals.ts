/**
 * Runs a task again and again. It has three states:
 * - *resting*: until the next interval has passed.
 * - *running*: the task runs. Intervals that pass meanwhile are skipped, so that a slow server is not asked twice at
 *   once.
 * - *stopped*: a task that is still running ends, and is not started again.
 * @param task must not reject
 * @param options.atOnce true: the first run begins at once, and not after the first interval
 * @returns a function that stops it
 */
export function atIntervals(
  everyMs: number,
  task: () => Promise<void>,
  { atOnce = false }: { atOnce?: boolean } = {},
): () => void {
  let state: 'resting' | 'at work' | 'stopped' = 'resting';

  async function run(): Promise<void> {
    if (state !== 'resting') return;
    state = 'at work';
    await task();
    if (state === 'at work') state = 'resting';
  }

  const timer = setInterval(() => void run(), everyMs).unref();
  if (atOnce) void run();
  return () => {
    state = 'stopped';
    clearInterval(timer);
  };
}
