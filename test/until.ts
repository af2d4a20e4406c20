import { setTimeout as sleep } from 'node:timers/promises';

/** Waits until `check` gives something true, and gives it; rejects after the deadline. */
export async function until<T>(what: string, check: () => Promise<T> | T, deadlineMs = 10_000): Promise<T> {
  const end = Date.now() + deadlineMs;
  for (;;) {
    const value = await check();
    if (value) return value;
    if (Date.now() > end) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await sleep(10);
  }
}
