import { expect, test } from '@jest/globals';
import { readRedisAddress } from '../../src/contracts/redis-address.ts';

test.each([
  ['redis://localhost:6379/2', { kind: 'server', url: 'redis://localhost:6379/2', tls: false }],
  ['rediss://:secret@cache.example.com', { kind: 'server', url: 'rediss://:secret@cache.example.com', tls: true }],
  [
    'redis+sentinel://one:26380,two/mymaster',
    {
      ...{ kind: 'sentinel', name: 'mymaster', database: 0, tls: false, user: {}, sentinelUser: {} },
      sentinels: [
        { host: 'one', port: 26_380 },
        { host: 'two', port: 26_379 },
      ],
    },
  ],
  [
    'rediss+sentinel://app:p%40ss%2C1@[::1]:1/main%2Fone/3?sentinel_username=watch&sentinel_password=p%26q',
    {
      ...{ kind: 'sentinel', name: 'main/one', database: 3, tls: true, sentinels: [{ host: '::1', port: 1 }] },
      ...{ user: { username: 'app', password: 'p@ss,1' }, sentinelUser: { username: 'watch', password: 'p&q' } },
    },
  ],
  [
    'redis+cluster://:secret@one:7000,two:7001/',
    {
      ...{ kind: 'cluster', tls: false, user: { password: 'secret' } },
      nodes: [
        { host: 'one', port: 7_000 },
        { host: 'two', port: 7_001 },
      ],
    },
  ],
  [
    'rediss+cluster://app:secret@clustercfg.example.com/0',
    {
      ...{ kind: 'cluster', tls: true, user: { username: 'app', password: 'secret' } },
      nodes: [{ host: 'clustercfg.example.com', port: 6_379 }],
    },
  ],
])('%s is understood', (text, address) => {
  expect(readRedisAddress(text)).toEqual(address);
});

test.each([
  ['http://secret@one', 'must be a URL that starts with redis://'],
  ['redis+sentinel://secret@one:26379', 'must name the primary'],
  ['redis+sentinel://secret@one/mymaster/zero', 'number of a database'],
  ['redis+sentinel://secret@one/mymaster/0/1', 'number of a database'],
  ['redis+sentinel://secret@one/mymaster?db=1', 'must have no parameters but sentinel_username and sentinel_password'],
  ['redis+cluster://secret@one?db=1', 'must have no parameters'],
  ['redis+cluster://secret@one/1', 'must name no database'],
  ['redis+cluster://secret@one,', 'host:port'],
  ['redis+cluster://secret@one:70000', 'host:port'],
  ['redis+cluster://sec:ret:1@one:a', 'host:port'],
  ['redis+cluster://user:secret%@one', 'hexadecimal'],
])('%s is refused in words that do not repeat it', (text, why) => {
  const refused = () => readRedisAddress(text);
  expect(refused).toThrow(why);
  expect(refused).not.toThrow('secret');
});
