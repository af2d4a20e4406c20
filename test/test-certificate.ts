import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeSelfSigned } from './self-signed.ts';

/** A key and a self-signed certificate for 127.0.0.1. */
export const certificate = (() => {
  const dir = mkdtempSync(join(tmpdir(), 'healify-certificate-'));
  try {
    makeSelfSigned(dir, 'own', { commonName: '127.0.0.1', altName: 'IP:127.0.0.1' });
    return { key: readFileSync(join(dir, 'own.key')), cert: readFileSync(join(dir, 'own.pem')) };
  } finally {
    rmSync(dir, { recursive: true });
  }
})();
