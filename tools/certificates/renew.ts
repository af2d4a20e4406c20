import { createPrivateKey, X509Certificate } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Issued, issueAuthority, issueCertificate } from './issue.ts';

/** The services of docker-compose.tls.yml that listen with TLS. */
export const SERVICES = [
  'api',
  'worker',
  'rabbitmq',
  'redis',
  'mongo',
  'redis-exporter',
  'prometheus',
  'alertmanager',
  'grafana',
] as const;

const DAY_MS = 24 * 3_600_000;
const AUTHORITY_MS = 5 * 365 * DAY_MS;
const CERTIFICATE_MS = 90 * DAY_MS;
/** A certificate that ends sooner is replaced. The alert HealifyCertificateExpires begins later. */
const RENEW_BEFORE_MS = 30 * DAY_MS;
/** Clocks of two machines may differ. */
const BACKDATED_MS = 3_600_000;

/** What a service reads: its certificate with its private key, and the certificates of the authority. */
export const SERVER_FILE = 'server.pem';
export const AUTHORITY_FILE = 'ca.pem';
const AUTHORITY_KEY_FILE = 'ca-key.pem';

/**
 * Makes what is missing in the folder, or ends within 30 days: an authority, and for each service a folder with `server.pem`, which
 * has its certificate and private key, and `ca.pem`. The folder itself is for its owner only; a container sees only the folder of
 * its service. An old authority stays in `ca.pem` until it ends, so that services can be restarted one by one.
 * @param options.force makes all certificates of services anew
 * @returns the names of what was made
 */
export async function renewCertificates(options: { dir: string; force?: boolean; nowMs?: number }): Promise<string[]> {
  const { dir, force = false, nowMs = Date.now() } = options;
  mkdirSync(dir, { recursive: true });
  chmodSync(dir, 0o700);
  const made: string[] = [];
  const authorityFile = join(dir, AUTHORITY_FILE);
  const keyFile = join(dir, AUTHORITY_KEY_FILE);

  const known = existsSync(authorityFile) ? certificatesIn(readFileSync(authorityFile, 'utf8')) : [];
  const authorities = known.filter((one) => !endsBefore(one, nowMs));
  // It must outlive the certificates that it signs.
  if (!authorities[0] || !existsSync(keyFile) || endsBefore(authorities[0], nowMs + CERTIFICATE_MS + RENEW_BEFORE_MS)) {
    const name = `healify-chat ${new Date(nowMs).toISOString().slice(0, 10)}`;
    const { cert, key } = await issueAuthority({ name, lifetime: lifetimeFrom(nowMs, AUTHORITY_MS) });
    authorities.unshift(new X509Certificate(cert));
    write(keyFile, key, 0o600);
    made.push('the authority');
  }
  write(authorityFile, authorities.join(''), 0o644);
  const authority = { cert: authorities[0]!.toString(), key: createPrivateKey(readFileSync(keyFile)) };

  for (const service of SERVICES) {
    const folder = join(dir, service);
    mkdirSync(folder, { recursive: true, mode: 0o755 });
    write(join(folder, AUTHORITY_FILE), authorities.join(''), 0o644);
    const file = join(folder, SERVER_FILE);
    if (!force && existsSync(file) && isGood(new X509Certificate(readFileSync(file)), authorities[0]!, nowMs)) continue;
    // Programs on this machine reach the ports that are published on it.
    const names = [service, 'localhost', '127.0.0.1'];
    write(
      file,
      joined(await issueCertificate({ authority, names, lifetime: lifetimeFrom(nowMs, CERTIFICATE_MS) })),
      0o644,
    );
    made.push(service);
  }
  return made;
}

const lifetimeFrom = (nowMs: number, ms: number) => ({
  notBefore: new Date(nowMs - BACKDATED_MS),
  notAfter: new Date(nowMs + ms),
});

const endsBefore = (certificate: X509Certificate, timeMs: number) => certificate.validToDate.getTime() < timeMs;

const isGood = (certificate: X509Certificate, authority: X509Certificate, nowMs: number) =>
  !endsBefore(certificate, nowMs + RENEW_BEFORE_MS) && certificate.verify(authority.publicKey);

const joined = ({ cert, key }: Issued) => `${cert}${key}`;

const certificatesIn = (pem: string) =>
  (pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map(
    (one) => new X509Certificate(one),
  );

/** A service that starts meanwhile finds the old file or the new one. */
function write(file: string, text: string, mode: number): void {
  const next = `${file}.next`;
  writeFileSync(next, text, { mode });
  chmodSync(next, mode);
  renameSync(next, file);
}
