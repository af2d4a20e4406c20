import type { RequestHandler } from 'express';
import type { Me } from '../../contracts/http/me.ts';

export interface MeOptions {
  /** Finds the email of a user; null if we do not have the accounts. One round trip. */
  emailOf: (userId: string) => Promise<string | null>;
  /** What is the same for all users. */
  offer: Pick<Me, 'models' | 'limits'>;
}

/** GET /me */
export function getMe({ emailOf, offer }: MeOptions): RequestHandler {
  return async (req, res) => {
    const { userId, role } = req.user!;
    const email = await emailOf(userId);
    res.json({ userId, email, roles: role === 'user' ? ['user'] : ['user', role], ...offer } satisfies Me);
  };
}
