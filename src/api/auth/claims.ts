import type { JWTPayload } from 'jose';

/**
 * Finds a claim by its name (`role`, `https://example.com/roles`), or by a path of names separated by dots
 * (`realm_access.roles`). A dot within a name is written `\.`. A claim with exactly this name comes first.
 */
export function findClaim(claims: JWTPayload, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path];
  const names = path.split(/(?<!\\)\./).map((name) => name.replaceAll('\\.', '.'));
  return names.reduce<unknown>(
    (value, name) => (isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined),
    claims,
  );
}

/**
 * Reads a claim that lists names. Providers write such lists in several ways: as a list, as a text with one name or
 * with several names between spaces or commas, or as an object with the names as keys. A key whose value is false or
 * null does not count. Anything else lists nothing.
 */
export function namesIn(claim: unknown): string[] {
  if (typeof claim === 'string') return namesInText(claim.trim());
  if (Array.isArray(claim)) return claim.filter((name) => typeof name === 'string');
  return isObject(claim) ? Object.keys(claim).filter((name) => claim[name] !== false && claim[name] != null) : [];
}

/** A name may contain spaces, as in `Chat Admin`. So the whole text is a name, too. */
const namesInText = (text: string) => [...new Set([text, ...text.split(/[\s,]+/)])].filter((name) => name !== '');

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
