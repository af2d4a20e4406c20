import { setTimeout as sleep } from 'node:timers/promises';
import { createLocalJWKSet, errors, type JWTVerifyGetKey } from 'jose';
import type { Dispatcher } from 'undici';
import { fetchKeySet } from './fetch-key-set.ts';

const FRESH_MS = 600_000;
const USABLE_MS = 24 * 3_600_000;
/**
 * Limits how often we ask the provider, also while it fails: a client that invents key ids must not make us ask for
 * each.
 */
const ASK_EVERY_MS = 1_000;

/** The identity provider does not give its keys. */
export class KeysUnavailableError extends Error {}

/**
 * Finds the key that a token names, in the JWK set that an identity provider publishes. We keep the latest set. Its age
 * gives its state:
 * - *fresh*, for 10 minutes: the set is used as it is.
 * - *stale*, up to 24 hours: the next token waits while we ask for a new set. If the provider is away, the old set
 *   stays in use, and we go on asking in the background. So tokens with a known key are accepted even while the
 *   provider is away.
 * - *too old* after that, and *missing* at first: each token waits for the provider.
 *
 * In every state, a key that is not in the set makes us ask for a new set, but not more often than once a second.
 *
 * jose's `createRemoteJWKSet` is not enough here. If the provider fails, it asks again for every token. Once its set is
 * not fresh and the provider is away, it refuses every token.
 *
 * The function rejects with KeysUnavailableError if it needs the provider and the provider is away. It rejects with
 * jose's JWKSNoMatchingKey or JWKSMultipleMatchingKeys if no key fits, or more than one.
 */
export function createProviderKeys(jwksUrl: string, dispatcher: Dispatcher): JWTVerifyGetKey {
  let find: JWTVerifyGetKey = createLocalJWKSet({ keys: [] });
  let askedAt = Number.NEGATIVE_INFINITY;
  let givenAt = Number.NEGATIVE_INFINITY;
  let failure: unknown;
  let asking: Promise<void> | undefined;

  async function ask(): Promise<void> {
    await sleep(Math.max(0, askedAt + ASK_EVERY_MS - performance.now()));
    askedAt = performance.now();
    try {
      find = createLocalJWKSet(await fetchKeySet(jwksUrl, dispatcher));
      givenAt = performance.now();
      failure = undefined;
    } catch (error) {
      failure = error;
    }
  }

  function askTogether(): Promise<void> {
    asking ??= ask().finally(() => {
      asking = undefined;
    });
    return asking;
  }

  return async (header, token) => {
    const known = async () => {
      try {
        return { key: await find(header, token) };
      } catch (error) {
        return { error };
      }
    };
    let found = await known();
    const age = performance.now() - givenAt;
    const mustWait = isUnknown(found) || age > USABLE_MS || (age > FRESH_MS && !failure);
    if (mustWait) {
      await askTogether();
      found = await known();
    } else if (age > FRESH_MS) void askTogether();

    const tooOld = performance.now() - givenAt > USABLE_MS;
    if (failure && (tooOld || isUnknown(found))) throw new KeysUnavailableError('no keys', { cause: failure });
    if ('error' in found) throw found.error;
    return found.key;
  };
}

const isUnknown = (found: object) => 'error' in found && found.error instanceof errors.JWKSNoMatchingKey;
