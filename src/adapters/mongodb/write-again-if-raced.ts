import { isDuplicateKey } from './command-errors.ts';

const TRIES = 5;

/**
 * Repeats an upsert that has raced with another. Two upserts of the same document at once may both try to insert it. Then one
 * of them fails, and finds it next time.
 */
export async function writeAgainIfRaced<T>(write: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await write();
    } catch (error) {
      if (!isDuplicateKey(error) || tries === TRIES) throw error;
    }
  }
}
