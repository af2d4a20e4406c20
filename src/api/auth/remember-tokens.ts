import type { VerifiedToken } from '../../contracts/account.ts';
import type { VerifyToken } from './verify-tokens.ts';

const MAX_TOKENS = 5_000;
const MAX_CHARS = 4_096;
/**
 * A token stays valid for this long after its provider has withdrawn the key, in addition to the time that keys are
 * kept.
 */
const REMEMBER_MS = 60_000;

/**
 * Verifies a token once a minute and not with each request, because checking the signature is the most expensive part
 * of authenticating a request. Remembers at most 5,000 tokens of at most 4 kB.
 */
export function rememberTokens(verify: VerifyToken): VerifyToken {
  const remembered = new Map<string, { verified: VerifiedToken; until: number }>();
  return async (token) => {
    const known = remembered.get(token);
    // `verify` decides whether an expired token is still accepted, because it knows how far clocks may differ.
    const expired = known && known.verified.expiresAt * 1000 <= Date.now();
    if (known && !expired && performance.now() < known.until) return known.verified;
    remembered.delete(token);
    const verified = await verify(token);
    if (token.length <= MAX_CHARS) {
      const [oldest] = remembered.keys();
      if (remembered.size >= MAX_TOKENS && oldest !== undefined) remembered.delete(oldest);
      remembered.set(token, { verified, until: performance.now() + REMEMBER_MS });
    }
    return verified;
  };
}
