import type { Request } from 'express';

/** The origin of the page that sends a form; undefined if the browser does not name it. */
export function pageOrigin(req: Request): URL | undefined {
  const origin = req.get('Origin');
  return origin !== undefined && URL.canParse(origin) ? new URL(origin) : undefined;
}

/** Whether an address is on the caller's own machine, where nobody else can listen. */
export const isLoopback = (address: URL | undefined): boolean =>
  address !== undefined && /^(?:localhost|.*\.localhost|127(?:\.\d+){3}|\[::1\])$/.test(address.hostname);

/**
 * Whether a browser has asked over plain http. Browsers send `Sec-Fetch-Site` only over https, or to their own machine. Here
 * we also believe a proxy that is not trusted, because all it can do is to hide a notice.
 */
export function isPlainHttp(req: Request): boolean {
  if (req.get('Sec-Fetch-Site') !== undefined) return false;
  const origin = pageOrigin(req);
  if (origin) return origin.protocol === 'http:';
  const forwarded = req.get('X-Forwarded-Proto')?.split(',', 1)[0]?.trim().toLowerCase();
  return !req.secure && forwarded !== 'https';
}

/** The address that a browser has asked for; undefined if we cannot know it. */
export function askedAddress(req: Request): URL | undefined {
  const address = `http://${req.host}`;
  return pageOrigin(req) ?? (URL.canParse(address) ? new URL(address) : undefined);
}
