import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';

/**
 * Returns the secret that access tokens are signed with. Without a setting it is random, so tokens are refused after a
 * restart. With an identity provider there is no secret, because the provider signs with its own keys.
 */
export function tokenSecretOf(options: {
  jwtSecret: string | undefined;
  jwtJwksUrl: string | undefined;
  logger: Logger;
}): string {
  const { jwtSecret, jwtJwksUrl, logger } = options;
  if (!jwtSecret && !jwtJwksUrl) {
    logger.warn('there is no JWT_SECRET: tokens are signed with a random secret, and are refused after a restart');
  }
  return jwtSecret ?? randomBytes(48).toString('base64');
}
