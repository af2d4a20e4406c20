import { ZxcvbnFactory } from '@zxcvbn-ts/core';
import { adjacencyGraphs, dictionary } from '@zxcvbn-ts/language-common';
import { ApiError } from '../../contracts/errors.ts';

/** zxcvbn's scores go from 0 to 4. With 3, a password takes at least 100 million guesses. */
const LEAST_SCORE = 3;
/** Judging takes longer for longer passwords. The first characters are enough to make one hard to guess. */
const JUDGED_CHARS = 64;
const OUR_WORDS = ['healify', 'healifychat'];

const judge = new ZxcvbnFactory({ dictionary, graphs: adjacencyGraphs });

/**
 * Refuses a password that is common, that follows a pattern, or that consists of the account's own words.
 * @throws ApiError password_too_weak
 */
export function mustBeHardToGuess(password: string, { email }: { email: string }): void {
  const { score } = judge.check(password.slice(0, JUDGED_CHARS), [...OUR_WORDS, ...wordsOf(email)]);
  if (score < LEAST_SCORE) throw new ApiError('password_too_weak');
}

/** The email, its parts, and its name without separators: `ann.smith@example.com` has `annsmith`, `ann`, `example`. */
function wordsOf(email: string): string[] {
  const [name = ''] = email.split('@');
  const parts = email.split(/[^\p{L}\p{N}]+/u);
  return [email, name, name.replace(/[^\p{L}\p{N}]+/gu, ''), ...parts].filter((word) => word.length > 2);
}
