import { setTimeout as sleep } from 'node:timers/promises';

const FIRST_MS = 20;
const LONGEST_MS = 1_000;

/**
 * Waits before a change is tried again because somebody else has changed the same account. It waits randomly long, since two changes
 * that each change the other's account, too, would otherwise clash for ever.
 * @param tries how many have failed: 1 or more
 */
export const pauseAfterClash = (tries: number): Promise<void> =>
  sleep(Math.random() * Math.min(LONGEST_MS, FIRST_MS * 2 ** tries));
