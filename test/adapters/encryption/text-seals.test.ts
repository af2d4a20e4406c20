import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { admitMasterKeys } from '../../../src/adapters/encryption/admit-master-keys.ts';
import { createDataKeys } from '../../../src/adapters/encryption/data-keys.ts';
import { destroyDataKey, forgetDestroyedKeys } from '../../../src/adapters/encryption/destroyed-keys.ts';
import { createConfiguredMasterKeys } from '../../../src/adapters/encryption/master-keys.ts';
import { createRedisDataKeyStore } from '../../../src/adapters/encryption/redis-data-key-store.ts';
import { rotateKeys } from '../../../src/adapters/encryption/rotate-keys.ts';
import { createTextSeals, ownerOf } from '../../../src/adapters/encryption/text-seals.ts';
import { channelOf } from '../../../src/adapters/redis/channels.ts';
import { KEY_DESTROYED_CHANNEL } from '../../../src/contracts/redis-keys.ts';
import type { Place } from '../../../src/contracts/sealing.ts';
import { openFields, plainTexts, sealFields } from '../../../src/contracts/sealing.ts';
import { testRedisUrl } from '../../services.ts';
import { until } from '../../until.ts';

const newKey = (id: string) => ({ id, key: randomBytes(32) });
const [first, second] = [newKey('k1'), newKey('k2')];

const opened: Redis[] = [];
const connect = async (url: string) => {
  const redis = new Redis(url);
  opened.push(redis);
  return redis;
};
afterAll(() => Promise.all(opened.map((redis) => redis.quit())));

let url: string;
let redis: Redis;
beforeAll(async () => {
  url = await testRedisUrl();
  redis = await connect(url);
});

/** A process with these master keys. It counts how often it asks the store. */
function startProcess(keys: Parameters<typeof createConfiguredMasterKeys>[0]) {
  const store = createRedisDataKeyStore({ redis });
  const reads: string[][] = [];
  const masterKeys = createConfiguredMasterKeys(keys);
  const counting = {
    ...store,
    read: (owners: readonly string[]) => {
      reads.push([...owners]);
      return store.read(owners);
    },
  };
  const dataKeys = createDataKeys({ store: counting, masterKeys });
  return { store, masterKeys, dataKeys, seals: createTextSeals(dataKeys), reads };
}

const place = (fields: Partial<Place> = {}): Place => ({ userId: 'ann', kind: 'question', id: 'r1', ...fields });

describe('a sealed text', () => {
  test('is opened by another process, and cannot be recognised', async () => {
    const seals = await startProcess([first]).seals.forSealing(['ann']);
    const [sealed, again] = [seals.seal(place(), 'Is "ü" 😀 healthy?')!, seals.seal(place(), 'Is "ü" 😀 healthy?')!];
    expect(sealed).not.toBe(again);
    expect(Buffer.from(sealed, 'base64').toString('latin1')).not.toContain('healthy');
    const other = await startProcess([first]).seals.forOpening(['ann']);
    expect(other.open(place(), sealed)).toBe('Is "ü" 😀 healthy?');
  });

  test.each([
    ['another user', { userId: 'bob' }],
    ['another kind of text', { kind: 'answer' as const }],
    ['another thing', { id: 'r2' }],
  ])('cannot be moved to %s', async (_, elsewhere) => {
    const seals = await startProcess([first]).seals.forSealing(['ann', 'bob']);
    expect(seals.open(place(elsewhere), seals.seal(place(), 'secret')!)).toBeUndefined();
  });

  test('that was changed or cut is not opened', async () => {
    const seals = await startProcess([first]).seals.forSealing(['ann']);
    const bytes = Buffer.from(seals.seal(place(), 'secret')!, 'base64');
    for (let i = 0; i < bytes.length; i++) {
      const changed = Buffer.from(bytes);
      changed[i]! ^= 1;
      expect(seals.open(place(), changed.toString('base64'))).toBeUndefined();
      expect(seals.open(place(), bytes.subarray(0, i).toString('base64'))).toBeUndefined();
    }
  });

  test('is a field of its own, so a text that looks like one stays a text', async () => {
    const seals = await startProcess([first]).seals.forSealing(['ann']);
    const record = { message: '{"sealed":"AAAA"}', createdAt: 'now' };
    const kept = sealFields(seals, place(), record, ['message']);
    expect(kept).toEqual({ createdAt: 'now', sealed: expect.any(String) });
    expect(openFields(seals, place(), kept)).toEqual(record);
    expect(openFields(seals, place(), record)).toEqual(record);
  });

  test('without master keys it is no answer, but an error that says so; a plain text is read', async () => {
    const seals = await startProcess([first]).seals.forSealing(['ann']);
    const kept = sealFields(seals, place(), { message: 'secret' }, ['message']);
    const plain = await plainTexts.forOpening(['ann']);
    expect(() => openFields(plain, place(), kept)).toThrow(expect.objectContaining({ code: 'master_key_missing' }));
    expect(sealFields(plain, place(), { message: 'open' }, ['message'])).toEqual({ message: 'open' });
  });
});

describe('keys of users', () => {
  test('are fetched together, and then not again', async () => {
    const { seals, reads } = startProcess([first]);
    await Promise.all([seals.forSealing(['u1', 'u2']), seals.forSealing(['u2', 'u3']), seals.forOpening(['u4'])]);
    expect(reads).toEqual([['user:u1', 'user:u2', 'user:u3', 'user:u4']]);
    await seals.forSealing(['u1', 'u2', 'u3']);
    expect(reads).toHaveLength(1);
  });

  test('are not made for a user whose texts are only read', async () => {
    const { seals, store } = startProcess([first]);
    expect((await seals.forOpening(['nobody'])).open(place({ userId: 'nobody' }), 'AAAA')).toBeUndefined();
    expect(await store.read([ownerOf('nobody')])).toEqual([undefined]);
  });

  test('that are destroyed open nothing any more, in no process, and late texts cannot be read either', async () => {
    const [one, other] = [startProcess([first]), startProcess([first])];
    const userId = 'erased';
    const sealed = (await one.seals.forSealing([userId])).seal(place({ userId }), 'secret')!;
    const read = async () => (await other.seals.forOpening([userId])).open(place({ userId }), sealed);
    const subscriber = await connect(url);
    forgetDestroyedKeys({ subscriber, dataKeys: other.dataKeys });
    const channel = channelOf(redis, KEY_DESTROYED_CHANNEL);
    await until('it listens', async () => Number((await redis.pubsub('NUMSUB', channel))[1]) > 0);
    expect(await read()).toBe('secret');
    await destroyDataKey({ redis, store: one.store, owner: ownerOf(userId) });
    await until('the other process has forgotten the key', async () => (await read()) === undefined);
    one.dataKeys.forget();
    const late = await one.seals.forSealing([userId]);
    expect(late.open(place({ userId }), late.seal(place({ userId }), 'late')!)).toBeUndefined();
  });
});

describe('a master key', () => {
  test('can be changed: new keys are wrapped by the first, and after the rotation the old one is not needed', async () => {
    const before = startProcess([first]);
    await admitMasterKeys(before.store, before.masterKeys);
    const sealed = (await before.seals.forSealing(['ann'])).seal(place(), 'secret')!;
    const both = startProcess([second, first]);
    expect(await admitMasterKeys(both.store, both.masterKeys)).toBeUndefined();
    await both.seals.forSealing(['new']);
    expect(await both.store.read([ownerOf('new')])).toEqual([expect.objectContaining({ master: 'k2' })]);
    expect((await both.seals.forOpening(['ann'])).open(place(), sealed)).toBe('secret');

    const after = startProcess([second]);
    expect(await admitMasterKeys(after.store, after.masterKeys)).toContain('lacks: k1');
    await expect(after.seals.forOpening(['ann'])).rejects.toMatchObject({ code: 'master_key_missing' });
    const counts: number[] = [];
    const { wrapped, destroyed } = await rotateKeys({ ...both, onKey: (count) => counts.push(count) });
    expect(counts.at(-1)).toBe(wrapped + destroyed);
    expect(await admitMasterKeys(after.store, after.masterKeys)).toBeUndefined();
    expect((await after.seals.forOpening(['ann'])).open(place(), sealed)).toBe('secret');
  });

  test('with the name of another one is refused, and so is none', async () => {
    const { store, masterKeys } = startProcess([newKey('k2')]);
    expect(await admitMasterKeys(store, masterKeys)).toContain('the master key k2');
    expect(await admitMasterKeys(store, undefined)).toContain('lacks: k2');
  });
});
