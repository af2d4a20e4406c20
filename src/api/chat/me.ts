import type { RequestHandler } from 'express';
import type { Me } from '../../contracts/http/me.ts';

export interface MeOptions {
  /** Finds the email of a user; null if we do not have the accounts. One round trip. */
  emailOf: (userId: string) => Promise<Pick<Me, 'email' | 'mustVerifyEmail'>>;
  /** What is the same for all users. */
  offer: Pick<Me, 'models' | 'limits'>;
}

/** GET /me */
export function getMe({ emailOf, offer }: MeOptions): RequestHandler {
  return async (req, res) => {
    const { userId, role } = req.user!;
    res.json({
      userId,
      ...(await emailOf(userId)),
      roles: role === 'user' ? ['user'] : ['user', role],
      ...offer,
    } satisfies Me);
  };
}
