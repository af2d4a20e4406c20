import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 100;

/**
 * Waits until `condition` returns something.
 * @param what the awaited thing, for the error
 * @throws Error when the time is over, or what `condition` throws
 */
export async function until<T>(timeoutMs: number, what: string, condition: () => Promise<T>): Promise<NonNullable<T>> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs / 1000} s in vain for ${what}`);
    await sleep(POLL_MS);
  }
}
