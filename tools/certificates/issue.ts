// x509 wants it to be there first.
import 'reflect-metadata';
import { type KeyObject, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import * as x509 from '@peculiar/x509';

/** A certificate and its private key, both as PEM. */
export interface Issued {
  cert: string;
  key: string;
}

/** From when and until when a certificate is valid. */
export interface Lifetime {
  notBefore: Date;
  notAfter: Date;
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/** Makes an authority that signs certificates of servers, and no further authorities. */
export async function issueAuthority({ name, lifetime }: { name: string; lifetime: Lifetime }): Promise<Issued> {
  const keys = await newKeys();
  const cert = await x509.X509CertificateGenerator.createSelfSigned({
    ...lifetime,
    name: `CN=${name}`,
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { cert: pem(cert), key: await privateKeyOf(keys) };
}

/**
 * Makes a certificate for a server.
 * @param options.names host names and IP addresses; the first is its common name
 */
export async function issueCertificate(options: {
  authority: { cert: string; key: KeyObject };
  names: readonly string[];
  lifetime: Lifetime;
}): Promise<Issued> {
  const { authority, names, lifetime } = options;
  const issuer = new x509.X509Certificate(authority.cert);
  const keys = await newKeys();
  const pkcs8 = authority.key.export({ type: 'pkcs8', format: 'der' });
  const cert = await x509.X509CertificateGenerator.create({
    ...lifetime,
    subject: `CN=${names[0]}`,
    issuer: issuer.subject,
    publicKey: keys.publicKey,
    signingKey: await webcrypto.subtle.importKey('pkcs8', pkcs8, ALGORITHM, false, ['sign']),
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(
        names.map((value) => ({ type: isIP(value) ? ('ip' as const) : ('dns' as const), value })),
      ),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { cert: pem(cert), key: await privateKeyOf(keys) };
}

const newKeys = () => webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
const pem = (cert: x509.X509Certificate) => `${cert.toString('pem')}\n`;
const privateKeyOf = async ({ privateKey }: webcrypto.CryptoKeyPair) =>
  `${x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', privateKey), 'PRIVATE KEY')}\n`;
