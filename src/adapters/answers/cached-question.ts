import type { CacheKey, CacheKeys, CacheOwner } from '../../contracts/cache-keys.ts';

/**
 * Part of every fingerprint. Raise it when the meaning of an entry or of its parameters changes. Then old entries are not
 * read.
 */
const VERSION = 5;
/**
 * 192 bits: enough that nobody finds two questions with the same hash. The hash is in keys, and goes along with each answer.
 */
const HASH_CHARS = 32;

/** A question, as the cache knows it. */
export interface CachedQuestion {
  /** Its fingerprint, in base64url and shortened. */
  readonly hash: string;
  /** Seals its answer. */
  readonly key: CacheKey;
}

/**
 * Takes the fingerprint of the parameters' JSON under the owner's key. The order of the properties matters, so the parameters
 * must be built in one place.
 * @returns undefined: the owner's key was destroyed, so nothing may be kept
 * @throws StoreUnavailableError, MasterKeyMissingError
 */
export async function cachedQuestion(
  keys: CacheKeys,
  owner: CacheOwner,
  parameters: object,
): Promise<CachedQuestion | undefined> {
  const key = await keys.of(owner);
  if (!key) return undefined;
  const fingerprint = key.fingerprint(`${VERSION}:${JSON.stringify(parameters)}`);
  return { hash: fingerprint.toString('base64url').slice(0, HASH_CHARS), key };
}
