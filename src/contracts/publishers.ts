import { UnreadableMessage } from './read-message.ts';
import { nameMatcher } from './reply-address.ts';

/**
 * The RabbitMQ users who have published a message before the one who publishes it now, the first one first, separated by
 * commas. Only the present one can be in `user_id`, because RabbitMQ refuses a `user_id` that is not the connection's user.
 */
export const ORIGINAL_USER_ID_HEADER = 'x-original-user-id';

/** A RabbitMQ user, and the ids of the users for whom it may ask; `*` in them stands for any text. */
export interface AllowedPublisher {
  publisher: string;
  userIds: string;
}

interface Published {
  userId?: unknown;
  headers?: Record<string, unknown> | undefined;
}

/** Returns the RabbitMQ users who have published a message, the first one first, each once. */
export function publishersOf({ userId, headers }: Published): string[] {
  const earlier = headers?.[ORIGINAL_USER_ID_HEADER];
  const names = [...(typeof earlier === 'string' ? earlier.split(',') : []), userId];
  return [...new Set(names.filter((name): name is string => typeof name === 'string' && name !== ''))];
}

/** Returns the header that keeps them, for a message that somebody else publishes again. */
export function earlierPublishers(published: Published): Record<string, string> {
  const publishers = publishersOf(published);
  return publishers.length > 0 ? { [ORIGINAL_USER_ID_HEADER]: publishers.join() } : {};
}

/** Throws UnreadableMessage publisher_not_allowed if somebody who published the message may not ask for this user. */
export type CheckPublishers = (published: Published, userId: string) => void;

/**
 * Makes the check of who may ask for whom. Everybody who has published the message must be allowed, so a message that names an
 * earlier publisher gains nothing by it.
 * @param allowed empty: everybody may ask for everybody
 */
export function createPublisherCheck(allowed: readonly AllowedPublisher[]): CheckPublishers {
  if (allowed.length === 0) return () => {};
  const patterns = Map.groupBy(allowed, ({ publisher }) => publisher);
  const speaksFor = new Map(
    [...patterns].map(([publisher, entries]) => [publisher, nameMatcher(entries.map(({ userIds }) => userIds))]),
  );
  return (published, userId) => {
    // RabbitMQ vouches for this one only. Anybody can write the header of those before.
    if (!published.userId) {
      throw new UnreadableMessage('publisher_not_allowed', 'it has no user_id, so nobody knows who published it');
    }
    if (publishersOf(published).every((publisher) => speaksFor.get(publisher)?.(userId))) return;
    throw new UnreadableMessage('publisher_not_allowed', 'PUBLISHERS does not let its publisher ask for this userId');
  };
}

/** Whether a RabbitMQ user may ask for everybody. */
export const asksForAll = (allowed: readonly AllowedPublisher[], user: string) =>
  allowed.some(({ publisher, userIds }) => publisher === user && userIds === '*');
