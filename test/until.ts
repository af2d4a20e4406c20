import { setTimeout as sleep } from 'node:timers/promises';

type Truthy<T> = Exclude<T, undefined | null | false | '' | 0>;

/** Waits until `check` gives something true, and gives it; rejects after the deadline. */
export async function until<T>(what: string, check: () => Promise<T> | T, deadlineMs = 45_000): Promise<Truthy<T>> {
  const end = Date.now() + deadlineMs;
  for (;;) {
    const value = await check();
    if (value) return value as Truthy<T>;
    if (Date.now() > end) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await sleep(10);
  }
}
