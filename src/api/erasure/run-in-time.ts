import { setTimeout as sleep } from 'node:timers/promises';
import type { Erasure } from '../../contracts/erasures.ts';
import type { DataEraser } from './erase-data.ts';

/** How long a client waits for an erasure before it is told to ask again later. */
const WAIT_MS = 5_000;

/** Runs an erasure, and returns how far it is after some seconds. If it fails, a round goes on with it. */
export async function runInTime(eraser: Pick<DataEraser, 'run'>, begun: Erasure): Promise<Erasure> {
  const running = eraser.run(begun.erasureId).catch(() => begun);
  return await Promise.race([running, sleep(WAIT_MS, begun, { ref: false })]);
}
