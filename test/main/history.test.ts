import { randomUUID } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { createRedisAccountStore } from '../../src/adapters/accounts/redis-account-store.ts';
import { createRedisConversationStore } from '../../src/adapters/conversations/redis-conversation-store.ts';
import { createRedisHistoryArchive } from '../../src/adapters/conversations/redis-history-archive.ts';
import { createRedisDataKeyStore } from '../../src/adapters/encryption/redis-data-key-store.ts';
import { responseTo } from '../adapters/conversations/response-to.ts';
import { openMongoDb } from '../mongodb-connection.ts';
import { startScript } from '../processes.ts';
import { testMongoDbUrl, testRedisUrl } from '../services.ts';
import { testSeals } from '../test-seals.ts';
import { withMongoDb } from '../with-mongodb.ts';

const SESSIONS = 120;
const TURNS = 3;
const retentionMs = 90 * 24 * 3_600_000;

const history = async (args: string[], env: Record<string, string>) => {
  const child = await startScript('src/main/history.ts', args, env);
  await child.exited;
  return { code: child.exitCode, output: child.output() };
};

withMongoDb('npm run history', () => {
  const folder = mkdtempSync(join(tmpdir(), 'history-'));
  const file = join(folder, 'history.ndjson');
  let env: { REDIS_URL: string; MONGODB_URL: string };
  let redis: Redis;
  const sealed = { sessionId: randomUUID(), requestId: randomUUID(), userId: 'sealed' };
  const turnsKey = `{chat:session:${sealed.sessionId}}:turns`;
  /** A JSON text, or the word `destroyed`. */
  const quoted = (text: string | null) => (text?.startsWith('{') ? text : JSON.stringify(text));
  beforeAll(async () => {
    env = { REDIS_URL: await testRedisUrl(), MONGODB_URL: await testMongoDbUrl() };
    redis = new Redis(env.REDIS_URL);
    const at = new Date().toISOString();
    const sessions = Array.from({ length: SESSIONS }, (_, s) => {
      const [sessionId, userId] = [randomUUID(), `u${s % 5}`];
      return {
        ...{ sessionId, userId, title: `Session ${s}`, createdAt: at, updatedAt: at },
        keptUntil: new Date(Date.now() + retentionMs).toISOString(),
        turns: Array.from({ length: TURNS }, (_, number) => {
          const requestId = randomUUID();
          const response = responseTo({ sessionId, requestId, userId });
          return { requestId, number, message: `Question ${s}/${number}`, createdAt: at, response, feedback: null };
        }),
      };
    });
    await createRedisHistoryArchive({ redis, retentionMs }).write(sessions);
    const account = { email: 'a@example.com', passwordHash: 'hash', role: 'admin', createdAt: at } as const;
    const conversations = createRedisConversationStore({
      redis,
      seals: testSeals(redis),
      retentionMs,
      replica: 'test',
    });
    await conversations.begin(
      { ...sealed, message: 'a secret', createdAt: at, dueInMs: 900_000 },
      { newSession: true },
    );
    await conversations.settle([responseTo(sealed, { response: 'a secret, too' })]);
    await createRedisDataKeyStore({ redis }).destroy('user:gone');
    await createRedisAccountStore({ redis }).create({ userId: 'u0', ...account });
  });
  afterAll(async () => {
    redis.disconnect();
    await rm(folder, { recursive: true });
  });

  const done = (what: string) => `${SESSIONS + 1} sessions with ${SESSIONS * TURNS + 1} turns and 1 accounts ${what}`;

  test('moves everything from Redis to MongoDB, also when it is interrupted and called again', async () => {
    expect(await history(['export', '--from', 'redis', '--file', file], env)).toMatchObject({ code: 0 });
    const whole = await readFile(file, 'utf8');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    // As if the export had been killed in the middle of a line.
    await truncate(file, Math.floor(Buffer.byteLength(whole) / 2));
    const again = await history(['export', '--from', 'redis', '--file', file], env);
    expect(again.output).toContain(done('exported'));
    const idsIn = (text: string) => text.match(/"requestId":"[^"]*","number"/g)!.toSorted();
    expect(idsIn(await readFile(file, 'utf8'))).toEqual(idsIn(whole));

    const imported = await history(['import', '--to', 'mongodb', '--file', file], env);
    expect(imported).toMatchObject({ code: 0 });
    expect(imported.output).toContain(done('imported'));
    const { db } = openMongoDb(env.MONGODB_URL);
    const conversations = db.collection('conversations');
    expect(await conversations.countDocuments({ kind: 'session' })).toBe(SESSIONS + 1);
    expect(await conversations.countDocuments({ kind: 'turn' })).toBe(SESSIONS * TURNS + 1);
    expect(await db.collection('accounts').countDocuments({ email: 'a@example.com', role: 'admin' })).toBe(1);

    // An import that was interrupted goes on at its position; what is there already stays.
    const position = whole.indexOf('\n', whole.length / 2) + 1;
    await writeFile(`${file}.imported`, String(position));
    const rest = await history(['import', '--to', 'mongodb', '--file', file], env);
    expect(rest.code).toBe(0);
    expect(rest.output).not.toContain(done('imported'));
    expect(await conversations.countDocuments({ kind: 'turn' })).toBe(SESSIONS * TURNS + 1);
  });

  test('moves everything back', async () => {
    const [back, REDIS_URL] = [join(folder, 'back.ndjson'), await testRedisUrl()];
    const out = await history(['export', '--from', 'mongodb', '--file', back], env);
    expect(out.output).toContain(done('exported'));
    const into = await history(['import', '--to', 'redis', '--file', back], { ...env, REDIS_URL });
    expect(into.output).toContain(done('imported'));
    const copy = new Redis(REDIS_URL);
    expect(await copy.keys('chat:session:*')).toHaveLength(SESSIONS + 1);
    expect(await readFile(back, 'utf8')).not.toContain('a secret');
    for (const key of [`chat:session:${sealed.sessionId}`, 'keys:data:user:sealed', 'keys:data:user:gone'])
      expect(JSON.parse(quoted(await copy.get(key)))).toEqual(JSON.parse(quoted(await redis.get(key))));
    const [moved, original] = await Promise.all([copy, redis].map((one) => one.hgetall(turnsKey)));
    for (const part of [`${sealed.requestId}:q`, `${sealed.requestId}:a`])
      expect(moved![part]).toContain(/"sealed":"[^"]+"/.exec(original![part]!)![0]);
    expect(await copy.zcard('chat:history:u0')).toBe((SESSIONS / 5) * TURNS);
    copy.disconnect();
  });

  test('says what it does not understand', async () => {
    const bad = join(folder, 'bad.ndjson');
    await writeFile(bad, '{"kind":"account"}\n');
    const wrong = await history(['import', '--to', 'mongodb', '--file', bad], env);
    expect(wrong).toMatchObject({ code: 1 });
    expect(wrong.output).toContain('the line that ends at byte 19 is no record of this command: account is wrong');
    for (const args of [
      ['export', '--file', file],
      ['move'],
      ['export', '--from', 'redis'],
      ['import', '--from', 'x'],
    ]) {
      expect(await history(args, env)).toMatchObject({ code: 2 });
    }
    const { MONGODB_URL, ...without } = env;
    const unset = await history(['import', '--to', 'mongodb', '--file', file], without);
    expect(unset).toMatchObject({ code: 2 });
    expect(unset.output).toContain('MONGODB_URL is not set');
  });
});
