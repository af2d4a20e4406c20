import type { Dispatcher } from 'undici';
import { undici } from '../../../contracts/packages.ts';

/** How long an idle connection is kept. */
const KEEP_ALIVE_MS = 60_000;

/** Proxies for outgoing requests. A missing one is read from the environment, whose variables may be in lower case. */
export interface ProxySettings {
  httpProxy?: string | undefined;
  httpsProxy?: string | undefined;
  /** Hosts that are reached without a proxy, separated by commas. */
  noProxy?: string | undefined;
}

/**
 * A pool of connections for outgoing HTTP requests. It uses HTTP/2 if the server supports it. It uses the proxies of
 * the settings or the environment, except for the hosts in `NO_PROXY`. It sets no time limits; its callers do.
 */
export function createDispatcher({ httpProxy, httpsProxy, noProxy }: ProxySettings = {}): Dispatcher {
  const { Agent, EnvHttpProxyAgent } = undici();
  const options = { keepAliveTimeout: KEEP_ALIVE_MS, headersTimeout: 0, bodyTimeout: 0, allowH2: true };
  const { env } = process;
  const anyProxy =
    httpProxy || httpsProxy || env.http_proxy || env.HTTP_PROXY || env.https_proxy || env.HTTPS_PROXY || '';
  // Checking NO_PROXY costs time for each request, and is not needed without proxies.
  if (anyProxy === '') return new Agent(options);
  return new EnvHttpProxyAgent({
    ...options,
    ...(httpProxy && { httpProxy }),
    ...(httpsProxy && { httpsProxy }),
    ...(noProxy && { noProxy }),
  });
}

/** A pool that never uses a proxy. */
export const createDirectDispatcher = (): Dispatcher =>
  new (undici().Agent)({ keepAliveTimeout: KEEP_ALIVE_MS, headersTimeout: 0, bodyTimeout: 0 });
