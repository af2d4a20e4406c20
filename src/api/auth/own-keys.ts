import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import { decodeProtectedHeader, errors, type JWTPayload, type JWTVerifyOptions, jwtVerify } from 'jose';

/** The claim of our own tokens that has the tenant. */
export const OWN_TENANT_CLAIM = 'tenant';

/** A key of ours that signs access tokens. Its id, which stands in the tokens, says nothing of the secret. */
export interface OwnKey {
  kid: string;
  key: KeyObject;
}

export const ownKeyOf = (secret: string): OwnKey => ({
  kid: createHmac('sha256', secret).update('kid').digest('base64url').slice(0, 11),
  key: createSecretKey(secret, 'utf8'),
});

/**
 * Verifies a token with the key that it names. If it names none of ours, each is tried, because earlier versions named
 * no key.
 */
export function verifyWithOwnKeys(secrets: readonly string[], options: JWTVerifyOptions) {
  const keys = secrets.map(ownKeyOf);
  return async (token: string): Promise<JWTPayload> => {
    const kid = keyIdIn(token);
    const named = keys.filter((own) => own.kid === kid);
    for (const { key } of named.length > 0 ? named : keys) {
      try {
        return (await jwtVerify(token, key, options)).payload;
      } catch (error) {
        if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw error;
      }
    }
    throw new errors.JWSSignatureVerificationFailed();
  };
}

function keyIdIn(token: string): string | undefined {
  try {
    return decodeProtectedHeader(token).kid;
  } catch {
    return undefined;
  }
}
