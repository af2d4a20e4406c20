import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { connect as connectAmqp } from 'amqplib';
import argon2 from 'argon2';
import { Redis } from 'ioredis';
import { jwtVerify, SignJWT } from 'jose';
import OpenAI from 'openai';
import { Agent, fetch as undiciFetch } from 'undici';
import { z } from 'zod';
import { createProviderKeys } from '../../src/adapters/identity-provider/provider-keys.ts';
import { openChatQueue } from '../../src/adapters/jobs/job-shards.ts';
import { connectRedis, orStoreUnavailable } from '../../src/adapters/redis/connect-redis.ts';
import { createLogger } from '../../src/observability/log.ts';
import { captureLog } from '../captured-log.ts';
import { startScript } from '../processes.ts';
import { testRabbitMqUrl, testRedisUrl } from '../services.ts';
import { until } from '../until.ts';

const MARKER = 'tummyache-since-tuesday';
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function redisWithout(...rules: string[]) {
  const url = await testRedisUrl();
  const admin = new Redis(url);
  const username = `log-${new URL(url).pathname.slice(1)}`;
  await admin.call('ACL', 'SETUSER', username, 'on', '>secret', '~*', '&*', '+@all', ...rules);
  const redis = new Redis(url, { username, password: 'secret', maxRetriesPerRequest: null });
  cleanups.push(async () => {
    redis.disconnect();
    await admin.call('ACL', 'DELUSER', username);
    admin.disconnect();
  });
  return redis;
}

async function amqp() {
  const connection = await connectAmqp(await testRabbitMqUrl());
  connection.on('error', () => {});
  cleanups.push(() => connection.close());
  const channel = await connection.createChannel();
  const closed = new Promise<Error>((resolve) => channel.on('error', resolve));
  return { channel, closed };
}

/** A server with the same reply to everything. */
async function answering(status: number, body: string): Promise<string> {
  const server = createServer((_, res) => res.writeHead(status, { 'content-type': 'application/json' }).end(body));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const errorOf = async (run: () => unknown): Promise<unknown> => {
  try {
    await run();
  } catch (error) {
    return error;
  }
  throw new Error('it did not fail');
};

const keyFrom = (url: string) =>
  createProviderKeys(url, new Agent())({ alg: 'RS256', kid: MARKER }, { payload: MARKER, signature: MARKER });

const provocations: Record<string, () => unknown> = {
  'Redis that refuses a command': async () => (await redisWithout('-set')).set('key', MARKER),
  'Redis that refuses a script': async () =>
    (await redisWithout('-set')).eval("redis.call('SET', ARGV[1], 'x')", 0, MARKER),
  'Redis that knows no such command': async () => (await redisWithout()).call(MARKER, MARKER),
  'Redis that quotes arguments': async () => (await redisWithout()).call('xx', MARKER, MARKER),
  'Redis within a transaction': async () => {
    const redis = await redisWithout('-set');
    return await redis.multi().get('a').set('key', MARKER).call('no-command', MARKER).exec();
  },
  'Redis behind an error of ours': async () => orStoreUnavailable((await redisWithout('-set')).set('key', MARKER)),
  'Redis, whose reply is an argument': async () =>
    (await redisWithout()).eval('return redis.error_reply(ARGV[1])', 0, `ERR ${MARKER}`),
  'a job queue that is refused': async () => {
    const redis = await redisWithout('-@scripting');
    const queue = openChatQueue(redis);
    cleanups.push(() => queue.close());
    return await queue.add('chat', { request: { message: MARKER } } as never);
  },
  'RabbitMQ that has no such exchange': async () => {
    const { channel, closed } = await amqp();
    channel.publish(MARKER, '', Buffer.from(MARKER));
    throw await closed;
  },
  'RabbitMQ that has no such queue': async () => (await amqp()).channel.checkQueue(MARKER),
  'a property that cannot be encoded': async () =>
    (await amqp()).channel.publish('', 'q', Buffer.from(MARKER), {
      messageId: MARKER.repeat(20),
      type: { MARKER } as never,
    }),
  'a model that quotes the question': async () => {
    const baseURL = await answering(
      400,
      JSON.stringify({ error: { message: `bad: ${MARKER}`, param: MARKER, code: MARKER } }),
    );
    const client = new OpenAI({ apiKey: MARKER, baseURL, maxRetries: 0 });
    return await client.chat.completions.create({ model: 'm', messages: [{ role: 'user', content: MARKER }] });
  },
  'a model that writes no JSON': async () => {
    const client = new OpenAI({ apiKey: MARKER, baseURL: await answering(200, MARKER), maxRetries: 0 });
    return await client.chat.completions.create({ model: 'm', messages: [{ role: 'user', content: MARKER }] });
  },
  'a model that is not there': () =>
    undiciFetch(`http://user:${MARKER}@127.0.0.1:2/`, { method: 'POST', body: MARKER }),
  'an address that is none': () => undiciFetch(`nonsense ${MARKER}`),
  'a header that is none': () => undiciFetch('http://127.0.0.1:2/', { headers: { authorization: `${MARKER}\n` } }),
  'a password hash that is none': () => argon2.verify(MARKER, MARKER),
  'argon2 with a wrong option': () => argon2.hash(MARKER, { timeCost: MARKER as never }),
  'a key set without the key': async () => {
    const keys = [{ kid: 'other', kty: 'RSA', use: 'sig', n: MARKER, e: MARKER }];
    return await keyFrom(await answering(200, JSON.stringify({ keys })));
  },
  'a key set that writes no JSON': async () => keyFrom(await answering(200, MARKER)),
  'a key set that refuses': async () => keyFrom(`${await answering(500, MARKER)}/?key=${MARKER}`),
  'a token that is none': () => jwtVerify(MARKER, new TextEncoder().encode('secret')),
  'a token for somebody else': async () => {
    const secret = new TextEncoder().encode('a secret of at least thirty-two bytes');
    const token = await new SignJWT({ text: MARKER })
      .setProtectedHeader({ alg: 'HS256' })
      .setAudience(MARKER)
      .sign(secret);
    return await jwtVerify(token, secret, { audience: 'us' });
  },
  'text that is no JSON': () => JSON.parse(`"${MARKER}`),
  'text that has quotation marks and is no JSON': () => JSON.parse(`{"it's": ${MARKER}'s "own" 'way'}`),
  'a schema': () => z.strictObject({ a: z.enum(['b']) }).parse({ a: MARKER, [MARKER]: 1 }),
  'a text taken for an object': () => 'x' in (MARKER as never),
  'a number that is none': () => BigInt(MARKER),
  'an argument of Node': () => Buffer.alloc(MARKER as never),
  'several errors': () => {
    throw new AggregateError([new Error(`'${MARKER}' is wrong`)], `"${MARKER}" failed`, {
      cause: new SyntaxError(MARKER),
    });
  },
  'an error with more on it': () => {
    throw Object.assign(new Error('no'), { body: MARKER, request: { text: MARKER }, code: `not a code: ${MARKER}` });
  },
  'a stack of several lines': () => {
    throw new TypeError(`one\n    at ${'x'}\n"${MARKER}`);
  },
};

test.each(Object.entries(provocations))('an error of %s shows nothing of what it was about', async (_, run) => {
  const error = await errorOf(run);
  const { logger, lines } = captureLog();
  logger.warn({ err: error }, 'it failed');
  logger.warn({ problem: error }, 'it failed');
  logger.warn(error as Error);
  logger.warn({ err: error });
  expect(lines).toHaveLength(4);
  expect(JSON.stringify(lines)).not.toContain(MARKER);
  const [{ err }] = lines as unknown as [{ err: { type: string; stack: string } }];
  expect(err.type).toMatch(/^[A-Z]\w+$/);
  for (const frame of err.stack.split('\n')) expect(frame).toMatch(/^$|^ {4}at /);
});

test('what an operator needs of an error is there: its type, its code, what is known to be harmless, and its causes', async () => {
  const { logger, lines } = captureLog();
  const refused = await errorOf(async () => orStoreUnavailable((await redisWithout('-set')).set('key', MARKER)));
  logger.warn({ err: refused }, 'refused');
  const away = await errorOf(() => undiciFetch('http://127.0.0.1:2/'));
  logger.warn({ err: away }, 'away');
  logger.warn({ err: await errorOf(() => (undefined as unknown as { a: string }).a) }, 'a fault');
  logger.warn({ err: `thrown ${MARKER}` }, 'no error');
  expect(lines).toMatchObject([
    {
      err: {
        type: 'StoreUnavailableError',
        code: 'store_unavailable',
        cause: { type: 'ReplyError', message: 'NOPERM this user has no permissions to run the set command' },
      },
    },
    {
      err: {
        type: 'TypeError',
        message: 'fetch failed',
        cause: { code: 'ECONNREFUSED', message: 'connect ECONNREFUSED 127.0.0.1:2' },
      },
    },
    { err: { type: 'TypeError', message: "Cannot read properties of undefined (reading 'a')" } },
    { err: { type: 'string', message: '' } },
  ]);
});

test('a Redis that refuses the login says why, without the password', async () => {
  const { logger, lines, said } = captureLog();
  const url = new URL(await testRedisUrl());
  url.username = 'somebody';
  url.password = MARKER;
  const redis = connectRedis({ url: url.href, name: 'test', logger });
  cleanups.push(() => redis.disconnect());
  await until('it says so', () => said('waiting for Redis').length > 0);
  expect(said('waiting for Redis')[0]).toMatchObject({ reason: expect.stringContaining('WRONGPASS') });
  expect(JSON.stringify(lines)).not.toContain(MARKER);
});

test.each([
  ['that nobody caught', 'throw'],
  ['of a promise that nobody awaited', 'reject'],
  ['that a library prints', 'print'],
])('an error %s is a line of the log, and shows nothing of what it was about', async (_, how) => {
  const child = await startScript('test/observability/fails.ts', [how, MARKER]);
  await until('it has ended', () => !child.running);
  const output = child.output();
  expect(output).not.toContain(MARKER);
  const [line] = output
    .trim()
    .split('\n')
    .filter((each) => each.startsWith('{'))
    .map((each) => JSON.parse(each));
  expect(line).toMatchObject({ process: 'worker', err: { type: 'Error' } });
});

test('a line is one line of JSON with its time in UTC, whatever it is about', () => {
  const written: string[] = [];
  const logger = createLogger('api', 'info', { write: (line) => void written.push(line) });
  const forged = 'u-1\r\n{"level":"error","msg":"forged"}\u2028\u001b[2J';
  logger.info({ userId: forged }, forged);
  expect(written).toHaveLength(1);
  expect(written[0]!.replace(/\n$/, '')).not.toMatch(/\p{Cc}/u);
  const { time, process, userId, msg } = JSON.parse(written[0]!);
  expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  expect([process, userId, msg]).toEqual(['api', forged, forged]);
});
