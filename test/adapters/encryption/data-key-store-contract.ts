import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from '@jest/globals';
import type { DataKeyStore, StoredKey } from '../../../src/adapters/encryption/data-key-store.ts';
import type { WrappedKey } from '../../../src/adapters/encryption/master-keys.ts';

/** What every store of data keys must do. @param makeStore an empty one */
export function describeDataKeyStore(name: string, makeStore: () => Promise<DataKeyStore>): void {
  describe(`${name} is a store of data keys`, () => {
    let store: DataKeyStore;
    beforeAll(async () => {
      store = await makeStore();
    });
    const newOwner = () => `user:{${randomUUID()}} "ü"`;
    const add = async (owner: string, key: WrappedKey) => (await store.add([{ owner, key }]))[0];
    const wrapped = (key: string, master = 'k1') => ({ master, key });

    test('keys are read together, and those that are not there are left out', async () => {
      const [one, two, none] = [newOwner(), newOwner(), newOwner()];
      expect(await add(one, wrapped('a'))).toEqual(wrapped('a'));
      await add(two, wrapped('b'));
      expect(await store.read([two, none, one])).toEqual([wrapped('b'), undefined, wrapped('a')]);
      expect(await store.read([])).toEqual([]);
      expect(await store.add([])).toEqual([]);
    });

    test('of many that are added at once for the same owner, one stays, and all learn which', async () => {
      const owner = newOwner();
      const added = await Promise.all(Array.from({ length: 10 }, (_, i) => add(owner, wrapped(`key ${i}`))));
      expect(await store.read([owner])).toEqual([added[0]]);
      expect(new Set(added.map((key) => JSON.stringify(key))).size).toBe(1);
    });

    test('a key that was destroyed does not come back', async () => {
      const [used, unused] = [newOwner(), newOwner()];
      await add(used, wrapped('a'));
      for (const owner of [used, unused, used]) await store.destroy(owner);
      expect(await store.read([used, unused])).toEqual(['destroyed', 'destroyed']);
      expect(await add(used, wrapped('b'))).toBe('destroyed');
      expect(await add(unused, wrapped('b'))).toBe('destroyed');
      expect(await store.replace(used, wrapped('a'), wrapped('c'))).toBe(false);
    });

    test('a key is replaced only while it is the one that was read', async () => {
      const owner = newOwner();
      await add(owner, wrapped('a'));
      expect(await store.replace(owner, wrapped('a'), wrapped('b', 'k2'))).toBe(true);
      expect(await store.replace(owner, wrapped('a'), wrapped('c', 'k3'))).toBe(false);
      expect(await store.read([owner])).toEqual([wrapped('b', 'k2')]);
    });

    test('all keys are given', async () => {
      const added = Array.from({ length: 250 }, (_, i) => [newOwner(), wrapped(`key ${i}`)] as const);
      await store.add(added.map(([owner, key]) => ({ owner, key })));
      const found = new Map<string, StoredKey>();
      for await (const { owner, key } of store.all()) found.set(owner, key);
      expect([...found]).toEqual(expect.arrayContaining(added.map((entry) => [...entry])));
    });

    test('it knows the master keys that may have wrapped keys', async () => {
      await store.addMasterKey(wrapped('check 1', 'k1'));
      await store.addMasterKey(wrapped('check 2', 'k2'));
      await store.addMasterKey(wrapped('check 3', 'k2'));
      expect(await store.masterKeys()).toEqual(
        new Map([
          ['k1', wrapped('check 1', 'k1')],
          ['k2', wrapped('check 3', 'k2')],
        ]),
      );
      await store.removeMasterKeys([]);
      await store.removeMasterKeys(['k1', 'unknown']);
      expect([...(await store.masterKeys()).keys()]).toEqual(['k2']);
    });
  });
}
