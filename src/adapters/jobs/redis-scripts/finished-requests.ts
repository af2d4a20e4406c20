import { hash } from 'node:crypto';

/** A generation has at most 16 to the power of this many buckets: see finished-requests.lua. */
const BUCKET_DIGITS = 6;

/** The constants for a script that includes `finished-requests`. */
export const finishedConstants = { BUCKET_DIGITS };

/** The digest by which the scripts recognise a job: hexadecimal digits, and a 64-bit integer with its sign. */
export function finishedDigest(jobId: string): string {
  const digits = hash('sha256', jobId);
  return `${digits.slice(0, BUCKET_DIGITS)}${memberOf(digits)}`;
}

/** What stands beside the digest of a job whose id a shard has claimed: a 64-bit integer with its sign. */
export const claimMark = (jobId: string, shard: number): string => memberOf(hash('sha256', `${shard} ${jobId}`));

const memberOf = (digits: string) =>
  String(BigInt.asIntN(64, BigInt(`0x${digits.slice(BUCKET_DIGITS, BUCKET_DIGITS + 16)}`)));
