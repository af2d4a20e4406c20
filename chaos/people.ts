import { MongoClient } from 'mongodb';
import { createMongoDbAccountStore } from '../src/adapters/accounts/mongodb-account-store.ts';
import { createRedisAccountStore } from '../src/adapters/accounts/redis-account-store.ts';
import type { Redis } from '../src/adapters/redis/redis.ts';
import { createAccessTokens } from '../src/api/auth/access-tokens.ts';
import { createPasswords } from '../src/api/auth/passwords.ts';
import type { Role } from '../src/contracts/account.ts';
import { allowedFor } from '../src/contracts/admin-rights.ts';
import { JWT_SECRET } from './stack.ts';

/** Of every account that is made here. */
export const PASSWORD = 'three-brown-otters';

const accessTokens = createAccessTokens({
  secret: JWT_SECRET,
  issuer: 'healify-chat',
  audience: 'healify-chat',
  ttlMs: 24 * 3_600_000,
});
let passwordHash: Promise<string> | undefined;

/** A token of a login of its own. */
export const tokenOf = (userId: string, role: Role): Promise<string> => accessTokens.sign({ userId, role }, userId);

/**
 * Makes an account, where the product keeps them. Whoever may enter /admin needs one, which is looked at in each of their requests.
 * Returns its email.
 */
export async function makeAccount(
  stores: { redis: Redis; mongoDbUrl?: string | undefined },
  userId: string,
  role: Role,
): Promise<string> {
  passwordHash ??= createPasswords().hash(PASSWORD);
  const createdAt = new Date().toISOString();
  const account = { userId, email: emailOf(userId), passwordHash: await passwordHash, role, createdAt };
  // The role of staff counts only with a second factor. Nobody logs in with this one.
  const secondFactor = { confirmedAt: createdAt, lastStep: 0, recoveryCodes: [] };
  const made = role === 'user' ? account : { ...account, secondFactor };
  if (stores.mongoDbUrl === undefined) {
    await createRedisAccountStore({ redis: stores.redis }).create(made);
  } else {
    const client = await MongoClient.connect(stores.mongoDbUrl);
    await createMongoDbAccountStore({ db: client.db() }).create(made);
    await client.close();
  }
  return account.email;
}

const emailOf = (userId: string) => `${userId}@chaos.example`;

/** Logs in with the password, and returns the login's id. */
export async function logInAs(apiUrl: string, userId: string): Promise<string> {
  const response = await fetch(`${apiUrl}/auth/login`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ email: emailOf(userId), password: PASSWORD }),
  });
  const { accessToken } = (await response.json()) as { accessToken: string };
  return (JSON.parse(Buffer.from(accessToken.split('.')[1]!, 'base64url').toString()) as { sid: string }).sid;
}

/** The role of somebody who may call this operation of the OpenAPI document. Outside of /admin everybody may. */
export function roleFor(method: string, path: string): Role {
  if (!path.startsWith('/admin')) return 'user';
  const roles = allowedFor(method.toUpperCase(), path)?.roles ?? ['operator'];
  return roles.includes('operator') ? 'operator' : roles[0]!;
}
