import { createHash } from 'node:crypto';
import type { Claim, IdempotencyKeys } from '../../adapters/idempotency-keys/idempotency-keys.ts';
import { ApiError } from '../../contracts/errors.ts';
import { limits } from '../../contracts/limits.ts';

/** The ids of a question. They are the same each time its idempotency key comes again. */
export type QuestionIds = Pick<Claim, 'sessionId' | 'requestId'>;

/**
 * Claims a question's idempotency key for these ids. Returns them, or the ids for which the key was claimed before, and
 * whether it was.
 * @param question.meaning what must be the same for the key to mean the same question
 * @throws ApiError idempotency_key_reused: the key was claimed for another question
 * @throws StoreUnavailableError
 */
export async function claimKey(
  keys: IdempotencyKeys,
  question: { userId: string; key: string; meaning: unknown; ids: QuestionIds },
): Promise<{ ids: QuestionIds; repeated: boolean }> {
  const { userId, key, meaning, ids } = question;
  const fingerprint = createHash('sha256').update(JSON.stringify(meaning)).digest('hex');
  const { claim, repeated } = await keys.claim(userId, key, { ...ids, fingerprint });
  if (claim.fingerprint !== fingerprint) throw new ApiError('idempotency_key_reused');
  return { ids: { sessionId: claim.sessionId, requestId: claim.requestId }, repeated };
}

/** A string in the syntax of structured fields (RFC 9651). Parameters after it are ignored. */
const QUOTED = /^"((?:[^"\\]|\\["\\])*)"\s*(?:;.*)?$/;

/**
 * Returns the key of the `Idempotency-Key` header, if there is one. The standard puts it in quotes. Without quotes it
 * is the same key.
 * @throws ApiError validation_failed
 */
export function readIdempotencyKey(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const key = QUOTED.exec(header)?.[1]?.replace(/\\(.)/g, '$1') ?? header;
  if (key.length <= limits.idempotencyKeyChars && /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(key)) return key;
  throw new ApiError('validation_failed', {
    errors: [
      { path: 'Idempotency-Key', message: `must be 1 to ${limits.idempotencyKeyChars} printable ASCII characters` },
    ],
  });
}
