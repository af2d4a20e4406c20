import type { Db } from 'mongodb';
import { createBodySeals } from '../../adapters/encryption/body-seals.ts';
import { createDataKeys } from '../../adapters/encryption/data-keys.ts';
import { createTextSeals } from '../../adapters/encryption/text-seals.ts';
import { encryption } from '../../config/settings/encryption.ts';
import { type BodySeals, plainBodies, plainTexts, type TextSeals } from '../../contracts/sealing.ts';
import { dataKeyStoreOf, masterKeysOf } from '../encryption.ts';
import { withMongoDb } from './mongodb-connection.ts';
import { readSetting } from './read-setting.ts';
import { withRedis } from './redis-connection.ts';

/** What opens dead letters: their whole bodies, and the texts in messages of apis and workers. */
interface LetterSeals {
  bodies: BodySeals;
  texts: TextSeals;
}

/**
 * Runs a part of a command that may open dead letters. With ENCRYPTION_KEYS it connects to the store of the keys.
 * @param name the name of this process in the lists of clients
 * @throws UsageError a setting is missing, or wrong
 */
export async function withSeals(name: string, use: (seals: LetterSeals) => Promise<void>): Promise<void> {
  const masterKeys = masterKeysOf(readSetting(encryption.encryptionKeys));
  if (!masterKeys) return await use({ bodies: plainBodies, texts: plainTexts });
  await withRedis(name, async (redis) => {
    const open = (db: Db | undefined) => {
      const dataKeys = createDataKeys({ store: dataKeyStoreOf({ redis, db }), masterKeys });
      return use({ bodies: createBodySeals(dataKeys), texts: createTextSeals(dataKeys) });
    };
    if (!(await withMongoDb(name, open))) await open(undefined);
  });
}
