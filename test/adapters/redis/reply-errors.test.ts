import { afterEach, expect, test } from '@jest/globals';
import { Redis, ReplyError } from 'ioredis';
import { orStoreUnavailable, repliesOf } from '../../../src/adapters/redis/connect-redis.ts';
import { verdictOn } from '../../../src/adapters/redis/reply-errors.ts';
import { StoreUnavailableError } from '../../../src/contracts/errors.ts';
import { testRedisUrl } from '../../services.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const reply = (message: string): Error => new (ReplyError as unknown as new (message: string) => Error)(message);
const IN_SCRIPT = ' script: 0a9f75e991483d02789696e4c90d26c10395863e, on @user_script:1.';
const WRAPPED = 'ERR Error running script (call to f_0a9f75e991483d02789696e4c90d26c10395863e): @user_script:1: ';

test.each([
  `${WRAPPED}-READONLY You can't write against a read only replica.`,
  `${WRAPPED}-OOM command not allowed when used memory > 'maxmemory'.`,
  `${WRAPPED}-MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.`,
  `${WRAPPED}The user executing the script can't run this command or subcommand`,
  `${WRAPPED}@user_script: 1: Unknown Redis command called from Lua script`,
  `READONLY You can't write against a read only replica.${IN_SCRIPT}`,
  `ERR The user executing the script can't access at least one of the keys mentioned in the command arguments${IN_SCRIPT}`,
  `ERR ACL failure in script: User app has no permissions to run the 'set' command${IN_SCRIPT}`,
  `ERR user_script:1: not enough memory${IN_SCRIPT}`,
  'ERR max requests limit exceeded. Limit: 500000, Usage: 500000.',
  'ERR max daily request limit exceeded',
  "NOPERM this user has no permissions to run the 'evalsha' command",
  "ERR unknown command 'EVALSHA', with args beginning with: 'x'",
  'MOVED 3999 127.0.0.1:6381',
  'ASK 3999 127.0.0.1:6381',
  "CROSSSLOT Keys in request don't hash to the same slot",
  'EXECABORT Transaction discarded because of previous errors.',
  'NOAUTH Authentication required.',
  'WRONGPASS invalid username-password pair or user is disabled.',
  'NOREPLICAS Not enough good replicas to write.',
  'BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.',
])('a server that says "%s" is unavailable', async (message) => {
  await expect(orStoreUnavailable(Promise.reject(reply(message)))).rejects.toMatchObject({
    code: 'store_unavailable',
    foreseen: true,
  });
});

test('an unknown error counts as unavailable, and can be recognised', async () => {
  await expect(orStoreUnavailable(Promise.reject(reply('EOOPS the fridge is open')))).rejects.toMatchObject({
    code: 'store_unavailable',
    foreseen: false,
  });
});

test.each([
  `${WRAPPED}user_script:1: attempt to index a nil value`,
  `${WRAPPED}WRONGTYPE Operation against a key holding the wrong kind of value`,
  `${WRAPPED}@user_script: 1: Wrong number of args calling Redis command From Lua script`,
])('a fault of ours is one also where Redis 6 writes "%s"', (message) => {
  expect(verdictOn(reply(message))).toBe('fault');
});

test.each([
  ['a Lua error', 'return foo.x'],
  ['a script that does not compile', 'return ('],
  ['text that is no JSON', "return cjson.decode('{')"],
  ['a wrong type', "redis.call('SET', 'a', '1') return redis.call('LPUSH', 'a', '1')"],
  ['a missing argument', "return redis.call('GET')"],
  ['a wrong option', "return redis.call('SET', 'a', '1', 'XX', 'NX')"],
  ['no number', "redis.call('SET', 'a', 'x') return redis.call('INCR', 'a')"],
])('%s stays what it is: our own fault', async (_, lua) => {
  const redis = new Redis(await testRedisUrl());
  cleanups.push(() => redis.disconnect());
  await expect(orStoreUnavailable(redis.eval(lua, 0))).rejects.toBeInstanceOf(ReplyError);
});

test('a user without a right is refused within scripts, pipelines and transactions, too', async () => {
  const url = await testRedisUrl();
  const admin = new Redis(url);
  const name = `refused-${new URL(url).pathname.slice(1)}`;
  await admin.call('ACL', 'SETUSER', name, 'on', '>secret', '~*', '&*', '+@all', '-set');
  const redis = new Redis(url, { username: name, password: 'secret' });
  cleanups.push(async () => {
    redis.disconnect();
    await admin.call('ACL', 'DELUSER', name);
    admin.disconnect();
  });
  const refused = { code: 'store_unavailable', foreseen: true };
  await expect(orStoreUnavailable(redis.set('a', '1'))).rejects.toMatchObject(refused);
  await expect(orStoreUnavailable(redis.eval("return redis.call('SET', 'a', '1')", 0))).rejects.toMatchObject(refused);
  await expect(repliesOf(redis.pipeline().get('a').set('a', '1'))).rejects.toMatchObject(refused);
  await expect(repliesOf(redis.multi().get('a').set('a', '1'))).rejects.toMatchObject(refused);
  expect(await repliesOf(redis.pipeline().get('a').exists('a'))).toEqual([null, 0]);
});

test('an error of our own code, and one that says already what it is, are passed on', async () => {
  const own = new StoreUnavailableError('not on disk');
  await expect(orStoreUnavailable(Promise.reject(own))).rejects.toBe(own);
  await expect(orStoreUnavailable(Promise.reject(new TypeError('x is no function')))).rejects.toBeInstanceOf(TypeError);
});
