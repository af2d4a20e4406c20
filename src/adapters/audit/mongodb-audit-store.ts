import type { Db } from 'mongodb';
import { isDuplicateKey } from '../mongodb/command-errors.ts';
import { eachOrStoreUnavailable, orStoreUnavailable } from '../mongodb/or-store-unavailable.ts';
import type { AuditStore, Head } from './audit-store.ts';
import { BEFORE_THE_FIRST } from './chain.ts';

/** `text` is the entry's JSON. It is kept as it is, because its hash depends on each byte. */
interface StoredDocument {
  _id: number;
  hash: string;
  text: string;
}

/**
 * The trail in MongoDB: a document for each entry, under its number. No number can be inserted twice, so of two processes that
 * add an entry at once, one is told that the other was faster.
 */
export function createMongoDbAuditStore({ db }: { db: Db }): AuditStore {
  const entries = db.collection<StoredDocument>('audit_trail');

  async function head(): Promise<Head> {
    const last = await entries.findOne({}, { sort: { _id: -1 }, projection: { hash: 1 } });
    return last ? { number: last._id, hash: last.hash } : BEFORE_THE_FIRST;
  }

  const append: AuditStore['append'] = async (after, added) => {
    try {
      await entries.insertMany(added.map(({ number, hash, text }) => ({ _id: number, hash, text })));
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
      // Documents are inserted in order up to the first that is refused. Looking at what is there also finds those that an
      // earlier try has inserted without hearing of it.
      const numbers = added.map(({ number }) => number);
      const hashes = added.map(({ hash }) => hash);
      const ours = await entries.countDocuments({ _id: { $in: numbers }, hash: { $in: hashes } });
      return { added: ours, head: await head() };
    }
    const { number, hash } = added.at(-1) ?? after;
    return { added: added.length, head: { number, hash } };
  };

  return {
    head: () => orStoreUnavailable(head()),
    append: (after, added) => orStoreUnavailable(append(after, added)),
    read: async function* (from) {
      const found = entries.find({ _id: { $gte: from } }, { sort: { _id: 1 } });
      for await (const { _id: number, text } of eachOrStoreUnavailable(found)) yield { number, text };
    },
    removeBefore: async (number) => void (await orStoreUnavailable(entries.deleteMany({ _id: { $lt: number } }))),
  };
}
