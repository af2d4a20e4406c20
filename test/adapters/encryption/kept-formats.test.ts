import { createSecretKey } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { createCacheKeys } from '../../../src/adapters/encryption/cache-keys.ts';
import { decrypt, encrypt } from '../../../src/adapters/encryption/gcm.ts';
import { createConfiguredMasterKeys } from '../../../src/adapters/encryption/master-keys.ts';
import { createTextSeals, ownerOf } from '../../../src/adapters/encryption/text-seals.ts';

// What earlier versions have kept, under these keys. If one of these fails, nobody's texts can be read after an upgrade.

const bytes = Buffer.from(Array.from({ length: 32 }, (_, index) => index));
const dataKeys = { get: async (owners: readonly string[]) => new Map(owners.map((owner) => [owner, dataKey])) };
const dataKey = createSecretKey(bytes);

test('a text that an earlier version has sealed is opened', async () => {
  const seals = await createTextSeals(dataKeys).forOpening(['ann']);
  const sealed = 'xrKu3m3WO0OwZz/dqtt3wGvIVwNGycqW3waS3JTI6ycnBo7n8fKT5MxyfYD2mf4=';
  expect(seals.open({ userId: 'ann', kind: 'question', id: 'r-1' }, sealed)).toBe('Is it healthy? 🥦');
});

test('a cached answer of an earlier version is found and opened', async () => {
  const key = (await createCacheKeys(dataKeys).of({ userId: 'ann' }))!;
  expect(key.fingerprint('a question').toString('base64')).toBe('CLaJ7sjDe/5Sm/F9PEnPYguCQIBrde6BTManb42IAyE=');
  const sealed = 'HXvlhdIC925KTAnNB0LB6OBs3GnuEGqc5VG7olT0O6mmJkbbKK9ePsWXu5M=';
  expect(key.open('hash', sealed)).toBe('Eat greens. 🥦');
});

test('a data key that an earlier version has wrapped is unwrapped', async () => {
  const masterKeys = createConfiguredMasterKeys([{ id: 'k1', key: Buffer.from(bytes.map((byte) => 255 - byte)) }]);
  const key = '0VGKx4j++UTQxZAa2WyrWDP6V9G7xLXoJDqrV11uF8wXj+TQzIOwTP28eYEpa6TCV9dbaomIhP4ywoWp';
  expect(await masterKeys.unwrap(ownerOf('ann'), { master: 'k1', key })).toEqual(bytes);
});

test('no nonce comes twice, and each result opens', () => {
  const sealed = Array.from({ length: 2_000 }, (_, index) => encrypt(dataKey, ['place'], `text ${index}`));
  expect(new Set(sealed.map((each) => each.toString('hex', 0, 12))).size).toBe(sealed.length);
  for (const [index, each] of sealed.entries())
    expect(decrypt(dataKey, ['place'], each)?.toString()).toBe(`text ${index}`);
});
