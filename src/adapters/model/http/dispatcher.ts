import { Agent, type Dispatcher, EnvHttpProxyAgent } from 'undici';

/** How long an idle connection is kept. */
const KEEP_ALIVE_MS = 60_000;

/** Proxies for outgoing requests. What is left out is read from the environment, in small letters as well. */
export interface ProxySettings {
  httpProxy?: string | undefined;
  httpsProxy?: string | undefined;
  /** Hosts that are asked directly, separated by commas. */
  noProxy?: string | undefined;
}

/**
 * A pool of connections for outgoing HTTP requests, over HTTP/2 where the server speaks it. It goes through the proxies
 * that the settings or the environment name, but for the hosts in `NO_PROXY`. It sets no time limit: whoever asks does.
 */
export function createDispatcher({ httpProxy, httpsProxy, noProxy }: ProxySettings = {}): Dispatcher {
  const options = { keepAliveTimeout: KEEP_ALIVE_MS, headersTimeout: 0, bodyTimeout: 0, allowH2: true };
  const { env } = process;
  const anyProxy =
    httpProxy || httpsProxy || env.http_proxy || env.HTTP_PROXY || env.https_proxy || env.HTTPS_PROXY || '';
  // Looking a host up in a list of exceptions costs each request something: without proxies there is no need.
  if (anyProxy === '') return new Agent(options);
  return new EnvHttpProxyAgent({
    ...options,
    ...(httpProxy && { httpProxy }),
    ...(httpsProxy && { httpsProxy }),
    ...(noProxy && { noProxy }),
  });
}

/** A pool that asks every server directly. */
export const createDirectDispatcher = (): Dispatcher =>
  new Agent({ keepAliveTimeout: KEEP_ALIVE_MS, headersTimeout: 0, bodyTimeout: 0 });
