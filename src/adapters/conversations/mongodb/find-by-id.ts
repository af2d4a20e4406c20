import { orStoreUnavailable } from '../../mongodb/or-store-unavailable.ts';
import type { ConversationDocument, Conversations } from './documents.ts';

// These queries have nothing but an id, and what was found is checked here. No query of MongoDB is faster, and FerretDB decodes the
// whole collection for every other one.

/** Returns undefined if there is none, it has expired, or it is not this user's. Rejects with StoreUnavailableError. */
export async function findById<D extends ConversationDocument>(
  conversations: Conversations,
  _id: D['_id'],
  userId: string,
): Promise<D | undefined> {
  const found = await orStoreUnavailable(conversations.findOne<D>({ _id }));
  return found && isKept(found) && found.userId === userId ? found : undefined;
}

/**
 * Whether there is a document that has not expired. Rejects with StoreUnavailableError.
 * @param userId whose it must be; undefined: anybody's
 */
export async function isThere(
  conversations: Conversations,
  _id: ConversationDocument['_id'],
  userId: string | undefined,
): Promise<boolean> {
  const projection = { userId: 1, expireAt: 1 };
  const found = await orStoreUnavailable(conversations.findOne<Whose>({ _id }, { projection }));
  return found !== null && isKept(found) && (userId === undefined || found.userId === userId);
}

type Whose = Pick<ConversationDocument, 'userId' | 'expireAt'>;

/** The retention also holds for documents that MongoDB has not removed yet. */
const isKept = ({ expireAt }: Whose) => expireAt.getTime() > Date.now();
