import type { Request } from 'express';

/** The origin of the page that sends a form, as its browser knows it; undefined where it does not say. */
export function pageOrigin(req: Request): URL | undefined {
  const origin = req.get('Origin');
  return origin !== undefined && URL.canParse(origin) ? new URL(origin) : undefined;
}

/** Whether an address is of this machine, to which nobody can listen. */
export const isLoopback = (address: URL | undefined): boolean =>
  address !== undefined && /^(?:localhost|.*\.localhost|127(?:\.\d+){3}|\[::1\])$/.test(address.hostname);

/**
 * Whether a browser has asked over plain http. Browsers send `Sec-Fetch-Site` over https only, or to their own machine. A
 * proxy that is not trusted is believed here: it can only keep a notice from being shown.
 */
export function isPlainHttp(req: Request): boolean {
  if (req.get('Sec-Fetch-Site') !== undefined) return false;
  const origin = pageOrigin(req);
  if (origin) return origin.protocol === 'http:';
  const forwarded = req.get('X-Forwarded-Proto')?.split(',', 1)[0]?.trim().toLowerCase();
  return !req.secure && forwarded !== 'https';
}

/** The address that a browser has asked for, as far as it is known. */
export function askedAddress(req: Request): URL | undefined {
  const address = `http://${req.host}`;
  return pageOrigin(req) ?? (URL.canParse(address) ? new URL(address) : undefined);
}
