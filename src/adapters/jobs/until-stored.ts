import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { StoreUnavailableError } from '../../contracts/errors.ts';

const RETRY_MS = 1_000;

/**
 * Writes what jobs have come to. While Redis cannot serve, this waits and tries again: nothing of it is lost.
 * @param write must do no harm when it is repeated, because a reply may be lost after Redis has carried the write out
 * @throws what `write` rejects with, but for a StoreUnavailableError
 */
export async function untilStored<T>(write: () => Promise<T>, logger: Logger): Promise<T> {
  for (;;) {
    try {
      return await write();
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) throw error;
      logger.debug({ err: error }, 'Redis did not take what jobs have come to, will be tried again');
      await sleep(RETRY_MS);
    }
  }
}
