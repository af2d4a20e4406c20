import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createIssuer, signWith } from './tokens.ts';

const NAMES = { issuer: 'https://id.example.com/', audience: 'chat' };

/** An identity provider: it publishes its keys, and signs tokens. */
export async function startIdentityProvider() {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const header = { alg: 'RS256', kid: 'fuzz' };
  const keySet = { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: header.kid, use: 'sig' }] };
  const server = createServer((_req, res) => {
    res.setHeader('Content-Type', 'application/json').end(JSON.stringify(keySet));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    /** For an api that takes its tokens. */
    settings: {
      JWT_JWKS_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`,
      ...{ JWT_ISSUER: NAMES.issuer, JWT_AUDIENCE: NAMES.audience },
    },
    tokens: createIssuer({
      ...NAMES,
      header,
      sign: (asked, payload) => signWith('RS256', privateKey, asked, payload),
      otherKeys: [
        { alg: 'RS256', key: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey },
        { alg: 'EdDSA', key: generateKeyPairSync('ed25519').privateKey },
        // The published key as the secret of an HMAC.
        { alg: 'HS256', key: publicKey.export({ type: 'spki', format: 'pem' }).toString() },
      ],
    }),
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
