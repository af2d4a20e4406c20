import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import argon2 from 'argon2';
import pLimit from 'p-limit';
import { ApiError } from '../../contracts/errors.ts';

/** OWASP's parameters for argon2id: 19 MiB, two passes, one lane. */
const PARAMETERS = { type: argon2.argon2id, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;
/** How many hashes may wait at most. With more, callers would wait for seconds. */
const MAX_WAITING = 100;
const RETRY_AFTER_SECONDS = 2;

export interface Passwords {
  /** Returns a PHC string. Each hash costs about 30 ms of CPU and 19 MiB. One hash per core is made at a time. */
  hash(password: string): Promise<string>;
  /** Also takes this time if there is no hash, so that the time does not reveal whether the account exists. */
  verify(password: string, hash: string | undefined): Promise<boolean>;
}

/** Both methods reject with ApiError overloaded while too many hashes wait. */
export function createPasswords(): Passwords {
  const inTurn = pLimit(availableParallelism());
  const bounded = <T>(work: () => Promise<T>) => {
    if (inTurn.pendingCount >= MAX_WAITING) {
      throw new ApiError('overloaded', { retryAfterSeconds: RETRY_AFTER_SECONDS });
    }
    return inTurn(work);
  };
  const hash = (password: string) => argon2.hash(password, PARAMETERS);
  let decoy: Promise<string> | undefined;

  return {
    hash: async (password) => bounded(() => hash(password)),
    verify: async (password, expected) =>
      bounded(async () => {
        decoy ??= hash(randomBytes(32).toString('base64')).catch((error) => {
          decoy = undefined;
          throw error;
        });
        const matches = await argon2.verify(expected ?? (await decoy), password);
        return expected !== undefined && matches;
      }),
  };
}
