import { setTimeout as sleep } from 'node:timers/promises';
import { createLocalJWKSet, errors, type JWTVerifyGetKey } from 'jose';
import type { Dispatcher } from 'undici';
import { fetchKeySet } from './fetch-key-set.ts';

/** How long keys are used before they are asked for again; and how long at most, while the provider does not answer. */
const FRESH_MS = 600_000;
const USABLE_MS = 24 * 3_600_000;
/** A client that invents key ids must not make us ask the provider for each of them. */
const ASK_EVERY_MS = 1_000;

/** The identity provider does not give its keys. */
export class KeysUnavailableError extends Error {}

/**
 * Finds the key that a token names, among those that an identity provider publishes as a JWK set. The set is asked for
 * as a whole, so that a key which is known does not depend on which others are asked for.
 *
 * The function rejects with KeysUnavailableError while the provider is away, and with jose's JWKSNoMatchingKey or
 * JWKSMultipleMatchingKeys where none, or more than one, of the keys fits.
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
    const mustHear = isUnknown(found) || age > USABLE_MS || (age > FRESH_MS && !failure);
    if (mustHear) {
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
