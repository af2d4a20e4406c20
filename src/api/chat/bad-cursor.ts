import { UnreadableCursor } from '../../adapters/conversations/conversation-store.ts';
import { ApiError } from '../../contracts/errors.ts';

/**
 * Waits for a page, and turns UnreadableCursor into an error of the API.
 * @throws ApiError validation_failed
 */
export async function orBadCursor<T>(page: Promise<T>): Promise<T> {
  try {
    return await page;
  } catch (error) {
    if (!(error instanceof UnreadableCursor)) throw error;
    throw new ApiError('validation_failed', {
      errors: [{ path: 'cursor', message: 'must be the `nextCursor` of an earlier page' }],
    });
  }
}
