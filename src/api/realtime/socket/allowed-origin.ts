import type { IncomingMessage } from 'node:http';

/**
 * Says whether the page that opens a WebSocket may do so: it comes from this server, or its origin may use the API. Programs
 * that are no browsers send no origin.
 * @param options.corsOrigins as in `allowOrigins`
 * @param options.trustProxy how many proxies are before the API. They may say which host the page has asked
 */
export function isOriginAllowed(
  { headers }: Pick<IncomingMessage, 'headers'>,
  { corsOrigins, trustProxy }: { corsOrigins: readonly string[]; trustProxy: number },
): boolean {
  const { origin, host } = headers;
  if (origin === undefined || corsOrigins.includes('*') || corsOrigins.includes(origin)) return true;
  const forwarded =
    trustProxy > 0
      ? String(headers['x-forwarded-host'] ?? '')
          .split(',')[0]!
          .trim()
      : '';
  return [host, forwarded].some((name) => !!name && isHostOf(origin, name));
}

/** A host may be written with the port that its scheme has anyway. */
function isHostOf(origin: string, host: string): boolean {
  try {
    const { protocol, host: own } = new URL(origin);
    return own !== '' && new URL(`${protocol}//${host}`).host === own;
  } catch {
    return false;
  }
}
