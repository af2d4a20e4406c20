import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { StoreUnavailableError } from '../../contracts/errors.ts';

const RETRY_MS = 1_000;

/**
 * Writes what jobs have come to, so that it is never lost. While Redis cannot serve, the write is tried again every second.
 * @param write may be repeated although it has succeeded, because its reply may be lost; this must do no harm
 * @throws what `write` rejects with, unless that is a StoreUnavailableError
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
