import type { Db } from 'mongodb';
import { eachOrStoreUnavailable, orStoreUnavailable } from '../mongodb/or-store-unavailable.ts';
import { writeAgainIfRaced } from '../mongodb/write-again-if-raced.ts';
import type { DataKeyStore, StoredKey } from './data-key-store.ts';
import type { WrappedKey } from './master-keys.ts';

/** One of an owner's data key (`data`, and its owner), or of a master key (`master`, and its id). */
interface KeyDocument {
  /** JSON list of the kind and the owner or id. */
  _id: string;
  kind: 'data' | 'master';
  name: string;
  /** Both are left out once the data key is destroyed. */
  master?: string;
  key?: string;
}

/** Data keys in MongoDB: a document each. */
export function createMongoDbDataKeyStore({ db }: { db: Db }): DataKeyStore {
  const keys = db.collection<KeyDocument>('keys');

  async function read(owners: readonly string[]): Promise<(StoredKey | undefined)[]> {
    const found = await keys.find({ _id: { $in: owners.map((owner) => idOf('data', owner)) } }).toArray();
    const byOwner = new Map(found.map((document) => [document.name, storedKeyOf(document)]));
    return owners.map((owner) => byOwner.get(owner));
  }

  async function add(added: readonly { owner: string; key: WrappedKey }[]): Promise<StoredKey[]> {
    if (added.length === 0) return [];
    const upserts = added.map(({ owner, key: { master, key } }) => ({
      updateOne: {
        filter: { _id: idOf('data', owner) },
        update: { $setOnInsert: { kind: 'data' as const, name: owner, master, key } },
        upsert: true,
      },
    }));
    await writeAgainIfRaced(() => keys.bulkWrite(upserts, { ordered: false }));
    return (await read(added.map(({ owner }) => owner))).map((key) => key!);
  }

  async function replace(owner: string, before: WrappedKey, after: WrappedKey): Promise<boolean> {
    const filter = { _id: idOf('data', owner), master: before.master, key: before.key };
    return (await keys.updateOne(filter, { $set: { master: after.master, key: after.key } })).matchedCount === 1;
  }

  async function destroy(owner: string): Promise<void> {
    const update = { $set: { kind: 'data' as const, name: owner }, $unset: { master: '' as const, key: '' as const } };
    await writeAgainIfRaced(() => keys.updateOne({ _id: idOf('data', owner) }, update, { upsert: true }));
  }

  async function masterKeys(): Promise<Map<string, WrappedKey>> {
    const found = await keys.find({ kind: 'master' }).toArray();
    return new Map(found.map(({ name, key }) => [name, { master: name, key: key! }]));
  }

  async function addMasterKey({ master, key }: WrappedKey): Promise<void> {
    const update = { $set: { kind: 'master' as const, name: master, master, key } };
    await writeAgainIfRaced(() => keys.updateOne({ _id: idOf('master', master) }, update, { upsert: true }));
  }

  return {
    read: (owners) => orStoreUnavailable(read(owners)),
    add: (added) => orStoreUnavailable(add(added)),
    replace: (owner, before, after) => orStoreUnavailable(replace(owner, before, after)),
    destroy: (owner) => orStoreUnavailable(destroy(owner)),
    all: async function* () {
      for await (const document of eachOrStoreUnavailable(keys.find({ kind: 'data' }))) {
        yield { owner: document.name, key: storedKeyOf(document) };
      }
    },
    masterKeys: () => orStoreUnavailable(masterKeys()),
    addMasterKey: (check) => orStoreUnavailable(addMasterKey(check)),
    removeMasterKeys: async (ids) => {
      await orStoreUnavailable(keys.deleteMany({ _id: { $in: ids.map((id) => idOf('master', id)) } }));
    },
  };
}

const idOf = (kind: KeyDocument['kind'], name: string) => JSON.stringify([kind, name]);

const storedKeyOf = ({ master, key }: KeyDocument): StoredKey =>
  master === undefined || key === undefined ? 'destroyed' : { master, key };
