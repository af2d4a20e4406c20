import { setTimeout as sleep } from 'node:timers/promises';
import jwksRsa from 'jwks-rsa';

/** How long keys are used before they are asked for again; and how long at most, while the provider does not answer. */
const FRESH_MS = 600_000;
const USABLE_MS = 24 * 3_600_000;
/** Whoever makes key ids up must not have us ask the provider for each of them. */
const ASK_EVERY_MS = 1_000;
const TIMEOUT_MS = 5_000;

/** The identity provider does not give its keys. */
export class KeysUnavailableError extends Error {}

export interface ProviderKeys {
  /**
   * The public key of this id, as PEM; without an id the only one. undefined: the provider has none.
   * @throws KeysUnavailableError
   */
  keyOf(kid: string | undefined): Promise<string | undefined>;
}

/**
 * The keys that an identity provider publishes as a JWK set. They are asked for as a whole, so that a key which is known
 * does not depend on which others are asked for.
 */
export function createProviderKeys(jwksUrl: string): ProviderKeys {
  const client = jwksRsa({ jwksUri: jwksUrl, cache: false, rateLimit: false, timeout: TIMEOUT_MS });
  let keys = new Map<string, string>();
  let askedAt = Number.NEGATIVE_INFINITY;
  let givenAt = Number.NEGATIVE_INFINITY;
  let failure: unknown;
  let asking: Promise<void> | undefined;

  async function ask(): Promise<void> {
    await sleep(Math.max(0, askedAt + ASK_EVERY_MS - Date.now()));
    askedAt = Date.now();
    try {
      const given = await client.getSigningKeys();
      keys = new Map(given.map((key) => [key.kid, key.getPublicKey()]));
      givenAt = Date.now();
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

  const known = (kid: string | undefined) =>
    kid === undefined && keys.size === 1 ? [...keys.values()][0] : keys.get(kid ?? '');

  return {
    keyOf: async (kid) => {
      const age = Date.now() - givenAt;
      const mustHear = known(kid) === undefined || age > USABLE_MS || (age > FRESH_MS && !failure);
      if (mustHear) await askTogether();
      else if (age > FRESH_MS) void askTogether();
      const key = Date.now() - givenAt > USABLE_MS ? undefined : known(kid);
      if (key === undefined && failure) throw new KeysUnavailableError('no keys', { cause: failure });
      return key;
    },
  };
}
