import { HealifyError, StoreUnavailableError } from '../../contracts/errors.ts';
import { verdictOn } from './command-errors.ts';

/**
 * Returns the result of a command. Rejects with StoreUnavailableError if MongoDB cannot be reached, is too slow, or
 * refuses: it is no primary, denies a right, its disk is full, or an unknown error. An error that is our fault is thrown
 * unchanged.
 */
export async function orStoreUnavailable<T>(command: Promise<T>): Promise<T> {
  try {
    return await command;
  } catch (error) {
    throw toStoreError(error);
  }
}

/** Does the same for the documents of a query, which are read one batch after the other. */
export async function* eachOrStoreUnavailable<T>(documents: AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* documents;
  } catch (error) {
    throw toStoreError(error);
  }
}

function toStoreError(error: unknown): unknown {
  if (error instanceof HealifyError) return error;
  const verdict = verdictOn(error);
  if (verdict === 'fault') return error;
  return new StoreUnavailableError('MongoDB cannot be reached, does not answer in time, or refuses.', {
    cause: error,
    foreseen: verdict === 'refusal',
  });
}
