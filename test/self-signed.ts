import { execFileSync } from 'node:child_process';

/** Runs openssl in a folder. */
export const openssl = (dir: string, ...args: string[]) =>
  void execFileSync('openssl', args, { stdio: 'ignore', cwd: dir });

/**
 * Writes `{name}.key` and a self-signed certificate, `{name}.pem`, to the folder.
 * @param options.altName what it is valid for, as openssl writes it: `DNS:localhost`
 */
export function makeSelfSigned(dir: string, name: string, options: { commonName: string; altName?: string }): void {
  const { commonName, altName } = options;
  const made = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2'];
  const files = ['-keyout', `${name}.key`, '-out', `${name}.pem`];
  const validFor = altName === undefined ? [] : ['-addext', `subjectAltName=${altName}`];
  openssl(dir, ...made, ...files, '-subj', `/CN=${commonName}`, ...validFor);
}
