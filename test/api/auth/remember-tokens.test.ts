import { expect, test } from '@jest/globals';
import { rememberTokens } from '../../../src/api/auth/remember-tokens.ts';
import { TokenRefusedError } from '../../../src/api/auth/verify-tokens.ts';
import type { VerifiedToken } from '../../../src/contracts/account.ts';
import { until } from '../../until.ts';

/** Verifies tokens that are called `good…`, also some time after they have expired, and counts how often. */
function startVerifying(expiresAt = Date.now() / 1000 + 60, toleranceSeconds = 0) {
  const seen: string[] = [];
  const verify = rememberTokens(async (token): Promise<VerifiedToken> => {
    seen.push(token);
    if (!token.startsWith('good')) throw new TokenRefusedError('malformed', undefined);
    if (expiresAt + toleranceSeconds < Date.now() / 1000) throw new TokenRefusedError('claim exp', undefined);
    return { userId: token, role: 'user', expiresAt };
  });
  return { verify, seen };
}

test('a token that comes again is not verified again', async () => {
  const { verify, seen } = startVerifying();
  for (let i = 0; i < 3; i++) expect(await verify('good')).toMatchObject({ userId: 'good' });
  expect(await verify('good too')).toMatchObject({ userId: 'good too' });
  expect(seen).toEqual(['good', 'good too']);
});

test('a token that is refused is verified each time, so that a key which comes later is found', async () => {
  const { verify, seen } = startVerifying();
  for (let i = 0; i < 2; i++) await expect(verify('bad')).rejects.toThrow(TokenRefusedError);
  expect(seen).toEqual(['bad', 'bad']);
});

test('a remembered token is refused from the moment that it expires', async () => {
  const { verify } = startVerifying(Date.now() / 1000 + 0.5);
  await verify('good');
  await until('it is refused', () =>
    verify('good').then(
      () => false,
      (error) => error instanceof TokenRefusedError,
    ),
  );
});

test('a token that has expired by our clock, but not by that of its signer, counts each time that it comes', async () => {
  const { verify } = startVerifying(Date.now() / 1000 - 2, 60);
  for (let i = 0; i < 2; i++) expect(await verify('good')).toMatchObject({ userId: 'good' });
});

test('no more than some thousand tokens are remembered, and no large ones', async () => {
  const { verify, seen } = startVerifying();
  for (let i = 0; i < 5_001; i++) await verify(`good ${i}`);
  await verify('good 5000');
  expect(seen).toHaveLength(5_001);
  await verify('good 0');
  expect(seen).toHaveLength(5_002);
  const large = `good ${'x'.repeat(5_000)}`;
  for (let i = 0; i < 2; i++) await verify(large);
  expect(seen).toHaveLength(5_004);
});
