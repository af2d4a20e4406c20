import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import type { AuditStore, Head } from '../../src/adapters/audit/audit-store.ts';
import { chain } from '../../src/adapters/audit/chain.ts';
import { createMongoDbAuditStore } from '../../src/adapters/audit/mongodb-audit-store.ts';
import { createRedisAuditStore } from '../../src/adapters/audit/redis-audit-store.ts';
import { someEvent } from '../adapters/audit/audit-store-contract.ts';
import { openMongoDb } from '../mongodb-connection.ts';
import { testMongoDbUrl, testRedisUrl } from '../services.ts';
import { withMongoDb } from '../with-mongodb.ts';

const script = join(import.meta.dirname, '../../src/main/audit.ts');
const KEY = 'a'.repeat(40);
const ENTRIES = 1_500;
const DAY = 86_400_000;
const BEGIN = Date.parse('2026-01-01T00:00:00Z');
const dayOf = (index: number) => new Date(BEGIN + index * DAY).toISOString();

const folder = mkdtempSync(join(tmpdir(), 'audit-'));
const file = join(folder, 'audit.ndjson');
afterAll(() => rm(folder, { recursive: true }));

/** What npm run audit does with a trail of an entry a day, in either store. */
function describeCommand(name: string, open: () => Promise<{ store: AuditStore; env: Record<string, string> }>): void {
  describe(`npm run audit with ${name}`, () => {
    let env: Record<string, string>;
    let store: AuditStore;
    let head: Head;
    const texts: string[] = [];

    const audit = async (...args: string[]) => {
      const child = spawn(process.execPath, [script, ...args], {
        env: { PATH: process.env.PATH, AUDIT_KEYS: KEY, ...env },
      });
      const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
      return { code: code as number, out, err, lines: out.split('\n').slice(0, -1) };
    };

    beforeAll(async () => {
      ({ store, env } = await open());
      const records = Array.from({ length: ENTRIES }, (_, i) => ({ id: `id ${i}`, at: dayOf(i), ...someEvent }));
      head = await store.head();
      for (let i = 0; i < ENTRIES; i += 500) {
        const entries = chain(head, records.slice(i, i + 500), KEY);
        ({ head } = await store.append(head, entries));
        texts.push(...entries.map((entry) => entry.text));
      }
    });

    test('says that the trail is whole, and which entry is the last', async () => {
      const { code, out } = await audit('verify', '--head', `${head.number}:${head.hash}`);
      expect(out).toContain(
        `The trail has ${ENTRIES} entries, 1 to ${ENTRIES}, unbroken. ${ENTRIES} have the right seal`,
      );
      expect(out).toContain(`The last is ${ENTRIES}:${head.hash}.`);
      expect(code).toBe(0);
    });

    test('says that the last entries were cut off', async () => {
      const { code, err } = await audit('verify', '--head', `${ENTRIES + 3}:${head.hash}`);
      expect(err).toContain(`Entry ${ENTRIES + 3} with this hash is missing`);
      expect(code).toBe(1);
    });

    test('exports the entries of a time, which can be verified without the store, and records that', async () => {
      const { code, lines, err } = await audit('export', '--since', dayOf(100), '--until', dayOf(1_300));
      expect(code).toBe(0);
      expect(lines.join('\n') === texts.slice(100, 1_300).join('\n')).toBe(true);
      expect(err).toContain('1200 entries exported');
      await writeFile(file, `${lines.join('\n')}\n`);
      const verified = await audit('verify', file);
      expect(verified).toMatchObject({ code: 0 });
      expect(verified.out).toContain('The file has 1200 entries, 101 to 1300, unbroken. 1200 have the right seal');
      expect(verified.out).toContain('What was before entry 101 does not show.');
      const all = await audit('export');
      expect(all.lines.slice(0, ENTRIES).join('\n') === texts.join('\n')).toBe(true);
      expect(JSON.parse(all.lines.at(-1)!)).toMatchObject({
        ...{ action: 'trail.export', actor: { kind: 'command', command: 'audit' } },
        details: { count: 1_200, filter: { since: dayOf(100), until: dayOf(1_300) } },
      });
    });

    test('names the first entry of a file that was changed', async () => {
      const changed = (await readFile(file, 'utf8')).replace('"id":"id 700"', '"id":"id 7"');
      await writeFile(file, changed);
      const { code, err } = await audit('verify', file);
      expect(err).toContain('Line 601, entry 701: its content was changed');
      expect(code).toBe(1);
    });

    test('names the first entry of the store if those before it are gone', async () => {
      await store.removeBefore(1_000);
      const { code, err } = await audit('verify');
      expect(err).toContain('Line 1, entry 1000: no entry says that those before it were removed');
      expect(code).toBe(1);
    });

    test.each([
      [[], 'a command is missing'],
      [['forget'], 'there is no command forget'],
      [['export', '--since', 'yesterday'], '--since must be a time in ISO 8601'],
      [['export', 'file'], 'unexpected argument: file'],
      [['verify', '--head', '7'], '--head must be NUMBER:HASH'],
    ])('refuses %j', async (args, message) => {
      const { code, err } = await audit(...args);
      expect(err).toContain(message);
      expect(code).toBe(2);
    });
  });
}

const opened: Redis[] = [];
afterAll(() => Promise.all(opened.map((redis) => redis.quit())));

describeCommand('Redis', async () => {
  const url = await testRedisUrl();
  const redis = new Redis(url);
  opened.push(redis);
  return { store: createRedisAuditStore({ redis }), env: { REDIS_URL: url } };
});

withMongoDb('with MongoDB', () => {
  describeCommand('MongoDB', async () => {
    const url = await testMongoDbUrl();
    return {
      store: createMongoDbAuditStore({ db: openMongoDb(url).db }),
      env: { MONGODB_URL: url, REDIS_URL: await testRedisUrl() },
    };
  });
});
