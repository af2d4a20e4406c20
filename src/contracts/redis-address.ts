/** Where Redis is, as REDIS_URL says. */
export type RedisAddress =
  /** redis:// or rediss://, with user, password and database. */
  | { kind: 'server'; url: string; tls: boolean }
  | ({
      kind: 'sentinel';
      sentinels: RedisNode[];
      /** The name under which the Sentinels know the primary and its replicas. */
      name: string;
      database: number;
      /** For the Sentinels themselves. */
      sentinelUser: RedisUser;
    } & Access)
  | ({ kind: 'cluster'; nodes: RedisNode[] } & Access);

export interface RedisNode {
  host: string;
  port: number;
}

export interface RedisUser {
  username?: string;
  password?: string;
}

interface Access {
  tls: boolean;
  user: RedisUser;
}

const SERVER = /^redis(s?):\/\//;
const SEVERAL = /^redis(s?)\+(sentinel|cluster):\/\/([^/?]*)\/?([^?]*)(?:\?(.*))?$/;
const DEFAULT_PORT = { sentinel: 26_379, cluster: 6_379 };
const SENTINEL_PARAMETERS = ['sentinel_username', 'sentinel_password'];
const MOST_PORT = 65_535;

/**
 * Reads the text of REDIS_URL.
 * @throws Error the text is none of the three forms. The message says why, and has nothing of the text
 */
export function readRedisAddress(text: string): RedisAddress {
  const server = SERVER.exec(text);
  if (server && URL.canParse(text)) return { kind: 'server', url: text, tls: server[1] === 's' };
  const [, secure, kind, authority = '', path = '', query = ''] = SEVERAL.exec(text) ?? [];
  if (kind !== 'sentinel' && kind !== 'cluster')
    throw new Error(
      'must be a URL that starts with redis:// or rediss:// (one server), redis+sentinel:// or rediss+sentinel://, or redis+cluster:// or rediss+cluster://',
    );
  const at = authority.lastIndexOf('@');
  const nodes = authority
    .slice(at + 1)
    .split(',')
    .map((node) => nodeOf(node, DEFAULT_PORT[kind]));
  const access = { tls: secure === 's', user: userOf(authority.slice(0, Math.max(0, at))) };
  const parameters = new URLSearchParams(query);
  const allowed = kind === 'sentinel' ? SENTINEL_PARAMETERS : [];
  if ([...parameters.keys()].some((name) => !allowed.includes(name)))
    throw new Error(`must have no parameters${kind === 'sentinel' ? ` but ${allowed.join(' and ')}` : ''}`);
  if (kind === 'cluster') {
    if (path !== '' && path !== '0') throw new Error('must name no database, because a Redis Cluster has only one');
    return { kind, nodes, ...access };
  }
  const [name = '', database = '0', ...more] = path.split('/').map(decoded);
  if (name === '') throw new Error('must name the primary after the Sentinels, such as in …:26379/mymaster');
  if (!/^\d+$/.test(database) || more.length > 0)
    throw new Error('must have the number of a database, or nothing, after the name of the primary');
  const [username, password] = SENTINEL_PARAMETERS.map((parameter) => parameters.get(parameter) ?? '');
  return {
    kind,
    sentinels: nodes,
    name,
    database: Number(database),
    sentinelUser: userFrom(username, password),
    ...access,
  };
}

function nodeOf(text: string, defaultPort: number): RedisNode {
  const [, ipv6, name, digits] = /^(?:\[([\da-f:.]+)\]|([^:[\]]+))(?::(\d+))?$/i.exec(text.trim()) ?? [];
  const host = ipv6 ?? name;
  const port = digits === undefined ? defaultPort : Number(digits);
  if (!host || port < 1 || port > MOST_PORT)
    throw new Error(
      'must have its nodes as host:port, separated by commas; a : / @ or , in a password is written as %3A %2F %40 or %2C',
    );
  return { host, port };
}

/** @param text `user:password` or `:password` */
function userOf(text: string): RedisUser {
  const colon = text.indexOf(':');
  const [username, password] = colon < 0 ? [text, ''] : [text.slice(0, colon), text.slice(colon + 1)];
  return userFrom(decoded(username), decoded(password));
}

const userFrom = (username = '', password = ''): RedisUser => ({
  ...(username !== '' && { username }),
  ...(password !== '' && { password }),
});

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Error('must have a % only before two hexadecimal digits');
  }
}
