import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';

/**
 * Returns the secrets of access tokens. The first signs, and all are accepted. Without a setting there is a random one, so
 * tokens are refused after a restart. With an identity provider there are none, because the provider signs with its own keys.
 */
export function tokenSecretsOf(options: {
  jwtSecret: readonly string[];
  jwtJwksUrl: string | undefined;
  logger: Logger;
}): readonly string[] {
  const { jwtSecret, jwtJwksUrl, logger } = options;
  if (jwtSecret.length > 0 || jwtJwksUrl) return jwtSecret;
  logger.warn('there is no JWT_SECRET: tokens are signed with a random secret, and are refused after a restart');
  return [randomBytes(48).toString('base64')];
}
