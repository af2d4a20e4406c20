import type { VerifiedToken, VerifyToken } from './verify-tokens.ts';

const MAX_TOKENS = 5_000;
const MAX_CHARS = 4_096;
/** So long a key that the provider has withdrawn may still count, beyond the time that keys are kept anyway. */
const REMEMBER_MS = 60_000;

/**
 * Verifies a token once a minute instead of for each request: checking a signature costs more than anything else that
 * is done to authenticate one. Memory is bounded by 5,000 tokens of at most 4 kB.
 */
export function rememberTokens(verify: VerifyToken): VerifyToken {
  const remembered = new Map<string, { verified: VerifiedToken; until: number }>();
  return async (token) => {
    const known = remembered.get(token);
    // Whether a token that has expired still counts, because clocks differ, is for `verify` to say.
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
