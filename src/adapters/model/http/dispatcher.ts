import { Agent, type Dispatcher, EnvHttpProxyAgent } from 'undici';

/** How long an idle connection is kept. */
const KEEP_ALIVE_MS = 60_000;

/** Proxies for outgoing requests. What is left out is read from the environment, whose names may be in small letters. */
export interface ProxySettings {
  httpProxy?: string | undefined;
  httpsProxy?: string | undefined;
  /** Hosts that are asked without a proxy, separated by commas. */
  noProxy?: string | undefined;
}

/**
 * A pool of connections for outgoing HTTP requests, which uses HTTP/2 if the server speaks it. It goes through the proxies
 * that the settings or the environment name, except for the hosts in `NO_PROXY`. It sets no time limits; its callers do.
 */
export function createDispatcher({ httpProxy, httpsProxy, noProxy }: ProxySettings = {}): Dispatcher {
  const options = { keepAliveTimeout: KEEP_ALIVE_MS, headersTimeout: 0, bodyTimeout: 0, allowH2: true };
  const { env } = process;
  const anyProxy =
    httpProxy || httpsProxy || env.http_proxy || env.HTTP_PROXY || env.https_proxy || env.HTTPS_PROXY || '';
  // To look a host up in NO_PROXY costs time with each request, and is not needed without proxies.
  if (anyProxy === '') return new Agent(options);
  return new EnvHttpProxyAgent({
    ...options,
    ...(httpProxy && { httpProxy }),
    ...(httpsProxy && { httpsProxy }),
    ...(noProxy && { noProxy }),
  });
}

/** A pool that asks every server without a proxy. */
export const createDirectDispatcher = (): Dispatcher =>
  new Agent({ keepAliveTimeout: KEEP_ALIVE_MS, headersTimeout: 0, bodyTimeout: 0 });
