import type { Role } from '../../contracts/account.ts';
import type { StaffRole } from '../../contracts/admin-rights.ts';
import { id } from '../../contracts/scalars.ts';

type Claims = Readonly<Record<string, unknown>>;

const STAFF = ['admin', 'privacy_officer', 'operator'] as const satisfies StaffRole[];

/**
 * Returns the role that a claim gives; the first of several counts: admin, privacy officer, operator. Names that are not known
 * give none, so their holder is a user.
 * @param claim its name or path: see findClaim
 * @param roleNames the names in that claim which make somebody more than a user
 */
export function roleIn(claims: Claims, claim: string, roleNames: Readonly<Record<StaffRole, string>>): Role {
  const names = namesIn(findClaim(claims, claim));
  return STAFF.find((role) => names.includes(roleNames[role])) ?? 'user';
}

/** Returns the tenant that a claim names. A claim that is no id names none: then the user shares nothing. */
export const tenantIn = (claims: Claims, claim: string | undefined): string | undefined =>
  claim === undefined ? undefined : id.safeParse(findClaim(claims, claim)).data;

/**
 * Finds a claim by its name (`role`, `https://example.com/roles`), or by a path of names separated by dots
 * (`realm_access.roles`). A dot within a name is written `\.`. A claim with exactly this name comes first.
 */
export function findClaim(claims: Claims, path: string): unknown {
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
