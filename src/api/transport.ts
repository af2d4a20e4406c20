import type { Request } from 'express';
import { isLoopback } from '../contracts/loopback.ts';

/** Returns the origin of the page that sends a form; undefined if the browser does not name it. */
export function pageOrigin(req: Request): URL | undefined {
  const origin = req.get('Origin');
  return origin !== undefined && URL.canParse(origin) ? new URL(origin) : undefined;
}

/** Whether an address is known and on the caller's own machine. */
export const isOnOwnMachine = (address: URL | undefined): boolean =>
  address !== undefined && isLoopback(address.hostname);

/**
 * Whether a browser asks over plain http. Browsers send `Sec-Fetch-Site` only over https, or to their own machine. Here
 * we also believe an untrusted proxy, because all it can do is hide a notice.
 */
export function isPlainHttp(req: Request): boolean {
  if (req.get('Sec-Fetch-Site') !== undefined) return false;
  const origin = pageOrigin(req);
  if (origin) return origin.protocol === 'http:';
  const forwarded = req.get('X-Forwarded-Proto')?.split(',', 1)[0]?.trim().toLowerCase();
  return !req.secure && forwarded !== 'https';
}

/** Returns the address that a browser asked for; undefined if we cannot know it. */
export function askedAddress(req: Request): URL | undefined {
  const address = `http://${req.host}`;
  return pageOrigin(req) ?? (URL.canParse(address) ? new URL(address) : undefined);
}
