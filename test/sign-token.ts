import { constants, createHmac, type KeyObject, sign } from 'node:crypto';

/** The parts of a JWT. A string is used as it is, so that a token can hold what no library would sign. */
interface Parts {
  header: Record<string, unknown> | string;
  payload: Record<string, unknown> | string;
}

/** Signs a JWT as its header says, or as `alg` does. */
export function signToken(
  { header, payload }: Parts,
  key: KeyObject | string,
  alg = String((header as Record<string, unknown>).alg),
): string {
  const input = `${encode(header)}.${encode(payload)}`;
  return `${input}.${signatureOf(Buffer.from(input), key, alg).toString('base64url')}`;
}

/** Claims that are right for an api with default settings; they expire in a minute. */
export const goodClaims = (claims: Record<string, unknown> = {}) => ({
  sub: 'u1',
  iss: 'healify-chat',
  aud: 'healify-chat',
  exp: seconds() + 60,
  ...claims,
});

/** Now, as JWTs write it. */
export const seconds = () => Math.floor(Date.now() / 1000);

/**
 * Tokens that are signed well, and are still no tokens of anybody: what they are, and the `Authorization` header.
 * @param header what makes the signature count
 */
export function oddTokens(
  signParts: (parts: Parts) => string,
  header: Record<string, unknown>,
): [what: string, authorization: string][] {
  const claims = goodClaims();
  const good = signParts({ header, payload: claims });
  const [head, body, signature] = good.split('.');
  const tokens: Record<string, string> = {
    'a word': 'nonsense',
    'dots only': '..',
    'four parts': `${good}.x`,
    'two parts': `${head}.${body}`,
    'no payload': `${head}..${signature}`,
    'a payload that is no JSON': signParts({ header, payload: 'not JSON' }),
    'a payload that is a list': signParts({ header, payload: '[]' }),
    'a payload that is null': signParts({ header, payload: 'null' }),
    'a payload that is a text': signParts({ header, payload: '"text"' }),
    'an empty payload': signParts({ header, payload: '' }),
    'a payload that is not UTF-8': `${head}.${Buffer.from([0xff, 0xfe]).toString('base64url')}.${signature}`,
    'a header that is no JSON': signParts({ header: 'not JSON', payload: claims }),
    'a header that is null': signParts({ header: 'null', payload: claims }),
    'a header that is a number': signParts({ header: '7', payload: claims }),
    'an algorithm that is a list': signParts({ header: { ...header, alg: [header.alg] }, payload: claims }),
    'an unknown critical extension': signParts({ header: { ...header, crit: ['x'], x: 1 }, payload: claims }),
    'a critical list that is a text': signParts({ header: { ...header, crit: 'x' }, payload: claims }),
    'what base64url does not know': `${head}.%%%.${signature}`,
    'ten thousand characters': 'x'.repeat(10_000),
    'ten thousand dots': '.'.repeat(10_000),
  };
  return Object.entries(tokens).map(([what, token]) => [what, `Bearer ${token}`]);
}

function signatureOf(input: Buffer, key: KeyObject | string, alg: string): Buffer {
  const hash = `sha${alg.slice(-3)}`;
  if (alg === 'none') return Buffer.alloc(0);
  if (alg.startsWith('HS')) return createHmac(hash, key).update(input).digest();
  const privateKey = key as KeyObject;
  if (alg === 'EdDSA' || alg === 'Ed25519') return sign(null, input, privateKey);
  if (alg.startsWith('ES')) return sign(hash, input, { key: privateKey, dsaEncoding: 'ieee-p1363' });
  const padding = alg.startsWith('PS') ? constants.RSA_PKCS1_PSS_PADDING : constants.RSA_PKCS1_PADDING;
  return sign(hash, input, { key: privateKey, padding, saltLength: constants.RSA_PSS_SALTLEN_DIGEST });
}

const encode = (part: Record<string, unknown> | string) =>
  Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url');
