import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { StoreUnavailableError } from '../../contracts/errors.ts';

const RETRY_MS = 1_000;

/**
 * Writes the result of a job, and never loses it: while Redis cannot serve, the write is tried again every second.
 * @param write may be repeated after a success, because its reply may be lost; repeating it must do no harm
 * @throws the error of `write`, unless it is a StoreUnavailableError
 */
export async function untilStored<T>(write: () => Promise<T>, logger: Logger): Promise<T> {
  for (;;) {
    try {
      return await write();
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) throw error;
      logger.debug({ err: error }, 'the results of jobs could not be written to Redis; trying again');
      await sleep(RETRY_MS);
    }
  }
}
