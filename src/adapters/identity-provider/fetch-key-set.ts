import type { JSONWebKeySet } from 'jose';
import type { Dispatcher } from 'undici';
import { undici } from '../../contracts/packages.ts';

const TIMEOUT_MS = 5_000;
const MAX_REDIRECTS = 5;
const MAX_BYTES = 1024 * 1024;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/**
 * Fetches the key set that an identity provider publishes. Follows redirects, but never from https to http.
 * @param dispatcher the connections, and the proxy, if one is needed
 * @throws Error if there is no key set within 5 s, 5 redirects and 1 MB
 */
export async function fetchKeySet(address: string, dispatcher: Dispatcher): Promise<JSONWebKeySet> {
  const { fetch } = undici();
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  let url = new URL(address);
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const response = await fetch(url, {
      dispatcher,
      redirect: 'manual',
      signal,
      headers: { Accept: 'application/json' },
    });
    if (response.ok) return JSON.parse(await readText(response.body)) as JSONWebKeySet;
    await response.body?.cancel();
    const location = response.headers.get('Location');
    if (!REDIRECTS.has(response.status) || !location) throw new Error(`it answered ${response.status}`);
    url = nextUrl(location, url);
  }
  throw new Error(`it redirected more than ${MAX_REDIRECTS} times`);
}

function nextUrl(location: string, from: URL): URL {
  if (!URL.canParse(location, from.href)) throw new Error('it redirected to something that is not an address');
  const to = new URL(location, from.href);
  if (to.protocol === 'https:' || (to.protocol === 'http:' && from.protocol === 'http:')) return to;
  throw new Error(`it redirected from ${from.protocol} to ${to.protocol}`);
}

async function readText(body: AsyncIterable<Uint8Array> | null): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > MAX_BYTES) throw new Error(`it sent more than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
