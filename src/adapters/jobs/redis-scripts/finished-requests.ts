import { hash } from 'node:crypto';

/** A generation has at most 16 to the power of this many buckets: see generations.lua. */
const BUCKET_DIGITS = 6;

/** The constants for a script that includes `generations`. */
export const finishedConstants = { BUCKET_DIGITS };

/** The digest by which the scripts recognise a job: hexadecimal digits, and a 64-bit integer with its sign. */
export function finishedDigest(jobId: string): string {
  const digits = hash('sha256', jobId);
  const member = BigInt.asIntN(64, BigInt(`0x${digits.slice(BUCKET_DIGITS, BUCKET_DIGITS + 16)}`));
  return `${digits.slice(0, BUCKET_DIGITS)}${member}`;
}
