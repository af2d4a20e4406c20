import { hash } from 'node:crypto';

/** A generation has at most 16 to this power buckets. finished-requests.lua explains them. */
const BUCKET_DIGITS = 6;

/** What a script that includes `finished-requests` asks for. */
export const finishedConstants = { BUCKET_DIGITS };

/** By what the scripts recognise a job: hexadecimal digits, and a 64-bit integer with its sign. */
export function finishedDigest(jobId: string): string {
  const digits = hash('sha256', jobId);
  const member = BigInt.asIntN(64, BigInt(`0x${digits.slice(BUCKET_DIGITS, BUCKET_DIGITS + 16)}`));
  return `${digits.slice(0, BUCKET_DIGITS)}${member}`;
}
