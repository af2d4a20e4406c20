import { expect, test } from '@jest/globals';
import { createPasswords } from '../../../src/api/auth/passwords.ts';

test('a password is hashed with argon2id as OWASP advises, each time with another salt', async () => {
  const passwords = createPasswords();
  const hashes = await Promise.all([1, 2].map(() => passwords.hash('three-brown-otters')));
  for (const hash of hashes) expect(hash).toMatch(/^\$argon2id\$v=19\$m=19456,(?=.*t=2)(?=.*p=1)/);
  expect(hashes[0]).not.toBe(hashes[1]);
});
