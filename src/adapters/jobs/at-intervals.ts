/**
 * Carries a task out again and again. It is *resting* until its time comes, *at work* while the task runs, and finally
 * *stopped*. A time that comes while the task still runs is left out, so that a server which is away is asked only once.
 * @param task must not reject
 * @returns stops it; a task that runs goes on to its end
 */
export function atIntervals(everyMs: number, task: () => Promise<void>): () => void {
  let state: 'resting' | 'at work' = 'resting';
  const timer = setInterval(async () => {
    if (state === 'at work') return;
    state = 'at work';
    await task();
    state = 'resting';
  }, everyMs);
  return () => clearInterval(timer);
}
