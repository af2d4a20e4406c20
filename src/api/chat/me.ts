import type { RequestHandler } from 'express';
import type { Me } from '../../contracts/http/me.ts';

export interface MeOptions {
  /** What we know of the user's account, also if we do not have it. One round trip. */
  accountOf: (userId: string) => Promise<Pick<Me, 'email' | 'hasPassword' | 'mustVerifyEmail'>>;
  /** What is the same for all users. */
  offer: Pick<Me, 'models' | 'limits'>;
}

/** GET /me */
export function getMe({ accountOf, offer }: MeOptions): RequestHandler {
  return async (req, res) => {
    const { userId, role } = req.user!;
    res.json({
      userId,
      ...(await accountOf(userId)),
      roles: role === 'user' ? ['user'] : ['user', role],
      ...offer,
    } satisfies Me);
  };
}
