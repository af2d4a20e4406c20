import type { Redis } from 'ioredis';

/** All that Redis keeps, or keeps under keys that match a pattern, as text. */
export async function textOf(connection: Redis, pattern = '*'): Promise<string> {
  const parts: string[] = [];
  for (const key of await connection.keys(pattern)) {
    const type = await connection.type(key);
    parts.push(key);
    if (type === 'string') parts.push((await connection.get(key)) ?? '');
    if (type === 'hash') parts.push(JSON.stringify(await connection.hgetall(key)));
    if (type === 'zset') parts.push(...(await connection.zrange(key, '0', '-1')));
    if (type === 'list') parts.push(...(await connection.lrange(key, 0, -1)));
    if (type === 'set') parts.push(...(await connection.smembers(key)));
    if (type === 'stream') parts.push(JSON.stringify(await connection.xrange(key, '-', '+')));
  }
  return parts.join('\n');
}
