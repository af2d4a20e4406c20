import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { createCacheKeys } from '../../../src/adapters/encryption/cache-keys.ts';
import { createDataKeys } from '../../../src/adapters/encryption/data-keys.ts';
import { destroyDataKey } from '../../../src/adapters/encryption/destroyed-keys.ts';
import { createConfiguredMasterKeys } from '../../../src/adapters/encryption/master-keys.ts';
import { createRedisDataKeyStore } from '../../../src/adapters/encryption/redis-data-key-store.ts';
import { ownerOf } from '../../../src/adapters/encryption/text-seals.ts';
import { type CacheOwner, plainCacheKeys } from '../../../src/contracts/cache-keys.ts';
import { testRedisUrl } from '../../services.ts';

const masterKeys = createConfiguredMasterKeys([{ id: 'k1', key: randomBytes(32) }]);

let redis: Redis;
beforeAll(async () => {
  redis = new Redis(await testRedisUrl());
});
afterAll(() => redis.quit());

/** A process of its own. It counts how often it asks the store. */
function startProcess() {
  const store = createRedisDataKeyStore({ redis });
  let reads = 0;
  const counting = {
    ...store,
    read: (owners: readonly string[]) => {
      reads += 1;
      return store.read(owners);
    },
  };
  const dataKeys = createDataKeys({ store: counting, masterKeys });
  return { store, dataKeys, keys: createCacheKeys(dataKeys), reads: () => reads };
}

const owners: CacheOwner[] = [
  { userId: 'ann' },
  { userId: 'bob' },
  { tenantId: 'ann' },
  { tenantId: 'clinic' },
  { userId: 'everybody' },
  'everybody',
];

describe('a fingerprint', () => {
  test('is the same in all processes, and another one for each owner', async () => {
    const [one, other] = [startProcess(), startProcess()];
    const seen = new Set<string>();
    for (const owner of owners) {
      const fingerprint = (await one.keys.of(owner))!.fingerprint('a question');
      expect((await other.keys.of(owner))!.fingerprint('a question')).toEqual(fingerprint);
      expect((await one.keys.of(owner))!.fingerprint('another')).not.toEqual(fingerprint);
      expect(fingerprint).toHaveLength(32);
      seen.add(fingerprint.toString('hex'));
    }
    expect(seen.size).toBe(owners.length);
  });

  test('cannot be made from a guess of the question by somebody who has the store alone', async () => {
    await startProcess().keys.of({ userId: 'guessed' });
    const thief = createCacheKeys(
      createDataKeys({
        store: createRedisDataKeyStore({ redis }),
        masterKeys: createConfiguredMasterKeys([{ id: 'k1', key: randomBytes(32) }]),
      }),
    );
    await expect(thief.of({ userId: 'guessed' })).rejects.toMatchObject({ code: 'master_key_missing' });
    const plain = (await plainCacheKeys.of({ userId: 'guessed' }))!.fingerprint('a question');
    expect((await startProcess().keys.of({ userId: 'guessed' }))!.fingerprint('a question')).not.toEqual(plain);
  });

  test('costs a process no round trip for a key that it has used lately', async () => {
    const { keys, reads } = startProcess();
    await keys.of({ userId: 'often' });
    const before = reads();
    await Promise.all([keys.of({ userId: 'often' }), keys.of({ userId: 'often' })]);
    expect(reads()).toBe(before);
  });
});

describe('a sealed answer', () => {
  test.each(owners)('of %j opens for its owner and its question only', async (owner) => {
    const { keys } = startProcess();
    const key = (await keys.of(owner))!;
    const sealed = key.seal('hash', 'Eat greens. 🥦');
    expect(sealed).not.toBe(key.seal('hash', 'Eat greens. 🥦'));
    expect((await startProcess().keys.of(owner))!.open('hash', sealed)).toBe('Eat greens. 🥦');
    expect(key.open('another', sealed)).toBeUndefined();
    for (const other of owners.filter((each) => each !== owner))
      expect((await keys.of(other))!.open('hash', sealed)).toBeUndefined();
    expect(key.open('hash', '{"response":"plain"}')).toBeUndefined();
  });

  test('of a user whose key is destroyed opens no more, and no other is kept', async () => {
    const { store, dataKeys, keys } = startProcess();
    const owner = { userId: 'erased' };
    await keys.of(owner);
    await destroyDataKey({ redis, store, owner: ownerOf('erased') });
    dataKeys.forget();
    expect(await keys.of(owner)).toBeUndefined();
  });
});
