import { SignJWT } from 'jose';
import type { Environment } from '../start/environment.ts';

/** A person who asks. */
export interface DemoUser {
  userId: string;
  accessToken: string;
  /** The latest session, for questions that follow up. */
  sessionId?: string;
}

/**
 * Makes users as an identity provider would, with tokens that count for an hour. Registering so many would exceed the limit of
 * one address.
 */
export async function makeUsers(count: number, env: Environment): Promise<DemoUser[]> {
  const key = new TextEncoder().encode(env.JWT_SECRET);
  return await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const userId = `demo-user-${String(index + 1).padStart(2, '0')}`;
      const accessToken = await new SignJWT()
        .setProtectedHeader({ alg: 'HS256' })
        .setSubject(userId)
        .setIssuer(env.JWT_ISSUER ?? 'healify-chat')
        .setAudience(env.JWT_AUDIENCE ?? 'healify-chat')
        .setIssuedAt()
        .setExpirationTime('1h')
        .sign(key);
      return { userId, accessToken };
    }),
  );
}
