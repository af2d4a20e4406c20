import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';

/**
 * The secret that access tokens are signed with. Without a setting it is made at random, so tokens end with the process; an
 * identity provider signs with its own keys and needs none.
 */
export function tokenSecretOf(options: {
  jwtSecret: string | undefined;
  jwtJwksUrl: string | undefined;
  logger: Logger;
}): string {
  const { jwtSecret, jwtJwksUrl, logger } = options;
  if (!jwtSecret && !jwtJwksUrl) {
    logger.warn('there is no JWT_SECRET: tokens are signed with a random one, and end with this process');
  }
  return jwtSecret ?? randomBytes(48).toString('base64');
}
