import { type TOTP, URI } from 'otpauth';
import type { TestUser } from './api-client.ts';

const STEP_MS = 30_000;

/**
 * What an authenticator app shows.
 * @param uri `otpauth://…`
 * @param stepsAhead a code of the next step counts already, and one that was used does not
 */
export const codeOf = (uri: string, stepsAhead = 0): string =>
  (URI.parse(uri) as TOTP).generate({ timestamp: Date.now() + stepsAhead * STEP_MS });

/** Sets up an authenticator app for somebody who is logged in. The code of the present step is used up. */
export async function setUpSecondFactor(user: Pick<TestUser, 'post'>, password: string) {
  const begun = await user.post('/auth/second-factor', { password });
  const { uri, secret } = begun.body as unknown as { uri: string; secret: string };
  const confirmed = await user.post('/auth/second-factor/confirm', { totp: codeOf(uri) });
  if (confirmed.status !== 200) throw new Error(`second factor: ${JSON.stringify([begun.body, confirmed.body])}`);
  return { uri, secret, ...(confirmed.body as unknown as { recoveryCodes: string[] }) };
}
