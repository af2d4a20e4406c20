import type { JWTPayload } from 'jose';

/**
 * Finds a claim by its name (`role`, `https://example.com/roles`), or by a path of names that are separated by dots
 * (`realm_access.roles`). A dot that belongs to a name is written `\.`. A claim that has exactly this name comes first.
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
 * Reads a claim that lists names, in every way that providers write one: a list, a text that is one name or several with
 * spaces or commas between them, or an object that has the names as its keys. A key whose value is false or null is no
 * name of the list. Anything else lists nothing.
 */
export function namesIn(claim: unknown): string[] {
  if (typeof claim === 'string') return namesInText(claim.trim());
  if (Array.isArray(claim)) return claim.filter((name) => typeof name === 'string');
  return isObject(claim) ? Object.keys(claim).filter((name) => claim[name] !== false && claim[name] != null) : [];
}

/** A name may have spaces, as `Chat Admin` has: the whole text comes first. */
const namesInText = (text: string) => [...new Set([text, ...text.split(/[\s,]+/)])].filter((name) => name !== '');

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
