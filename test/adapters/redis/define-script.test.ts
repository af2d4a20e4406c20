import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { assembleScript } from '../../../src/adapters/redis/assemble-script.ts';
import { defineScript } from '../../../src/adapters/redis/define-script.ts';
import { testRedisUrl } from '../../services.ts';

let redis: Redis;
let folder: string;
beforeAll(async () => {
  redis = new Redis(await testRedisUrl());
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'scripts-'));
});
afterEach(() => rmSync(folder, { recursive: true }));
afterAll(() => redis.disconnect());

const write = (files: Record<string, string>) => {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, `${name}.lua`), text);
};

describe('a script', () => {
  test('is given its keys and arguments', async () => {
    write({ script: 'return {KEYS[1], ARGV[1], ARGV[2]}' });
    expect(await defineScript(folder, 'script')(redis, ['key'], ['a', 2])).toEqual(['key', 'a', '2']);
  });

  test('is carried out on a server that has forgotten it, and called by its hash from then on', async () => {
    write({ script: 'return 1' });
    const script = defineScript(folder, 'script');
    await redis.script('FLUSH');
    const sent = jest.spyOn(redis, 'eval');
    expect(await script(redis, [], [])).toBe(1);
    expect(await script(redis, [], [])).toBe(1);
    expect(sent).toHaveBeenCalledTimes(1);
  });

  test('calls what it includes, from its own folder or from the shared one', async () => {
    write({ script: '-- include: double\n-- include: server-time\nreturn {double(4), serverTimeMs()}' });
    write({ double: 'local function double(n) return 2 * n end' });
    const [eight, now] = (await defineScript(folder, 'script')(redis, [], [])) as [number, number];
    expect(eight).toBe(8);
    expect(Math.abs(now - Date.now())).toBeLessThan(60_000);
  });

  test('has in it once what two of its includes include', () => {
    write({
      script: '-- include: a\n-- include: b\nreturn c',
      a: '-- include: c',
      b: '-- include: c',
      c: 'local c = 1',
    });
    expect(assembleScript(folder, 'script').map(({ text }) => text)).toEqual(['local c = 1', 'return c']);
  });

  test('has the constants that it asks for, also in its includes', async () => {
    write({ script: '-- include: a\n-- constant: MOST\nreturn {NAME, MOST}', a: '-- constant: NAME' });
    const constants = { NAME: "it's a \\ and\na line", MOST: 5 };
    expect(await defineScript(folder, 'script', constants)(redis, [], [])).toEqual([constants.NAME, 5]);
  });
});

describe('starting a process fails and says', () => {
  test('which script is missing, and where it was looked for', () => {
    expect(() => defineScript(folder, 'none')).toThrow(`There is no Redis script none.lua in ${folder} or `);
  });

  test('which script includes one that is missing', () => {
    write({ script: '-- include: none' });
    expect(() => defineScript(folder, 'script')).toThrow(`which ${join(folder, 'script.lua')} includes`);
  });

  test('which script includes itself', () => {
    write({ script: '-- include: a', a: '-- include: script' });
    expect(() => defineScript(folder, 'script')).toThrow('includes itself: ');
  });

  test('which line asks for a constant that is not given', () => {
    write({ script: '\n-- constant: MOST' });
    expect(() => defineScript(folder, 'script')).toThrow('script.lua:2 asks for the constant MOST');
  });

  test('which constant no line asks for', () => {
    write({ script: 'return 1' });
    expect(() => defineScript(folder, 'script', { MOST: 1 })).toThrow('does not ask for MOST');
  });
});
