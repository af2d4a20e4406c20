import { ZxcvbnFactory } from '@zxcvbn-ts/core';
import { adjacencyGraphs, dictionary } from '@zxcvbn-ts/language-common';
import { ApiError } from '../../contracts/errors.ts';

/** zxcvbn's scores go from 0 to 4. With 3, a password takes at least 100 million guesses. */
const LEAST_SCORE = 3;
/** Judging takes longer for longer passwords. The first characters are enough to make one hard to guess. */
const JUDGED_CHARS = 64;
const OUR_WORDS = ['healify', 'healifychat', 'chat'];

const judge = new ZxcvbnFactory({ dictionary, graphs: adjacencyGraphs });

/**
 * Refuses a password that is common, that follows a pattern, or that is not hard to guess without the account's own words.
 * @throws ApiError password_too_weak
 */
export function mustBeHardToGuess(password: string, { email }: { email: string }): void {
  const words = [...OUR_WORDS, ...wordsOf(email)];
  for (const text of [password, withoutWords(password, words)]) {
    const { score } = judge.check(text.slice(0, JUDGED_CHARS), words);
    if (score < LEAST_SCORE) throw new ApiError('password_too_weak');
  }
}

/** zxcvbn takes three known words in a row for hard to guess, and does not see one beside a hyphen or in other forms of its letters. */
function withoutWords(password: string, words: readonly string[]): string {
  const plain = password
    .normalize('NFKC')
    .toLowerCase()
    .replace(/\p{Cf}/gu, '');
  const longestFirst = words.toSorted((one, other) => other.length - one.length);
  return longestFirst.reduce((text, word) => text.replaceAll(word, ''), plain);
}

/** The email, its parts, and its name without separators: `ann.smith@example.com` has `annsmith`, `ann`, `example`. */
function wordsOf(email: string): string[] {
  const [name = ''] = email.split('@');
  const parts = email.split(/[^\p{L}\p{N}]+/u);
  return [email, name, name.replace(/[^\p{L}\p{N}]+/gu, ''), ...parts].filter((word) => word.length > 2);
}
