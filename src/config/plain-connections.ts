import { isLoopback } from '../contracts/loopback.ts';

/** The schemes of connections without TLS. */
const PLAIN = /^(?:amqp|http|redis(?:\+\w+)?)$/i;
/** MongoDB's schemes are the same with TLS and without. The second has it unless an option says otherwise. */
const MONGODB_PLAIN: Record<string, (url: string) => boolean> = {
  mongodb: (url) => !/[?&](?:tls|ssl)=true(?:&|$)/i.test(url),
  'mongodb+srv': (url) => /[?&](?:tls|ssl)=false(?:&|$)/i.test(url),
};

/**
 * Returns a sentence for each setting whose connection could be read on its way: it has no TLS, and leads to another
 * machine.
 * @param urls by setting; several addresses are separated by commas
 * @param allowed hosts to which a connection may be plain; `*` means all
 */
export function plainConnectionProblems(
  urls: Readonly<Record<string, readonly string[]>>,
  allowed: readonly string[],
): string[] {
  if (allowed.includes('*')) return [];
  return Object.entries(urls).flatMap(([setting, texts]) => {
    const hosts = new Set(texts.flatMap(plainHostsOf));
    const refused = [...hosts].filter((host) => !isLoopback(host) && !allowed.includes(host));
    if (refused.length === 0) return [];
    return [
      `${setting} leads to ${refused.join(', ')} without TLS, so that others may read it on its way: use TLS, or name the host in PLAINTEXT_HOSTS if nobody else reaches that network`,
    ];
  });
}

/** The hosts to which these addresses lead without TLS. Some schemes allow several hosts in one address. */
function plainHostsOf(text: string): string[] {
  return text.split(/\s*,\s*(?=\w[\w+]*:\/\/)/).flatMap((url) => {
    const [, scheme = '', authority = ''] = /^\s*([\w+]+):[/\\]*(?:[^/\\?#]*@)?([^/\\?#]*)/.exec(url) ?? [];
    const isPlain = MONGODB_PLAIN[scheme.toLowerCase()] ?? (() => PLAIN.test(scheme));
    if (!isPlain(url)) return [];
    return authority.split(',').map((host) => host.replace(/:\d+$/, ''));
  });
}
