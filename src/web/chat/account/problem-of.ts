import { ChatError } from '../../../client/chat-client.ts';
import { wordsOf } from '../conversation/open-conversation.ts';
import { TOO_WEAK, WRONG_CODE } from '../password-words.ts';

const words: Readonly<Record<string, string>> = {
  wrong_password: 'The password is wrong.',
  invalid_credentials: 'The password is wrong.',
  second_factor_required: 'Write the code of your authenticator app, too.',
  wrong_code: WRONG_CODE,
  password_too_weak: TOO_WEAK,
  rate_limited: 'Too many tries. Wait a minute, then try again.',
  login_too_old: 'Sign out and in again first. Then try once more within ten minutes.',
};

/** Why a change of the account has failed, for its user. */
export const problemOf = (error: unknown): string =>
  (error instanceof ChatError ? words[error.code] : undefined) ?? wordsOf(error);
