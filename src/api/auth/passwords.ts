import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import argon2 from 'argon2';
import pLimit from 'p-limit';
import { ApiError } from '../../contracts/errors.ts';

/** OWASP's parameters for argon2id: 19 MiB, two passes, one lane. */
const PARAMETERS = { type: argon2.argon2id, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;
/** Hashes that wait for a turn; more would keep their callers waiting for seconds. */
const MAX_WAITING = 100;
const RETRY_AFTER_SECONDS = 2;

export interface Passwords {
  /** A PHC string. About 30 ms of CPU and 19 MiB, for no more at once than there are cores. */
  hash(password: string): Promise<string>;
  /** Takes as long where there is no hash to compare with, so that nobody learns whether there is an account. */
  verify(password: string, hash: string | undefined): Promise<boolean>;
}

/** Both methods reject with ApiError overloaded while too many others wait. */
export function createPasswords(): Passwords {
  const inTurn = pLimit(availableParallelism());
  const bounded = <T>(work: () => Promise<T>) => {
    if (inTurn.pendingCount >= MAX_WAITING) {
      throw new ApiError('overloaded', { retryAfterSeconds: RETRY_AFTER_SECONDS });
    }
    return inTurn(work);
  };
  const hash = (password: string) => argon2.hash(password, PARAMETERS);
  let nobodys: Promise<string> | undefined;

  return {
    hash: async (password) => bounded(() => hash(password)),
    verify: async (password, expected) =>
      bounded(async () => {
        nobodys ??= hash(randomBytes(32).toString('base64')).catch((error) => {
          nobodys = undefined;
          throw error;
        });
        const matches = await argon2.verify(expected ?? (await nobodys), password);
        return expected !== undefined && matches;
      }),
  };
}
