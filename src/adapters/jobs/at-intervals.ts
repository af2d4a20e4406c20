/**
 * Carries a task out again and again. It is in one of three states:
 * - *resting*: until the next interval has passed.
 * - *at work*: the task runs. Intervals that pass meanwhile are left out, so that a server which is away is asked only once.
 * - *stopped*: a task that still runs goes on to its end, and no other follows.
 * @param task must not reject
 * @param options.atOnce whether the first run comes at once, and not after the first interval
 * @returns stops it
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
