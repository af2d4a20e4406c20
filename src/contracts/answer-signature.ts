import { createHmac, createSecretKey, timingSafeEqual } from 'node:crypto';
import { RESPONSES_QUEUE } from './queues.ts';

/** The header of an answer on `chat_responses` that proves who wrote it. */
export const SIGNATURE_HEADER = 'x-healify-signature';

const VERSION = 'v1=';
/** Signed together with the body, so that a signature made with the same key for another purpose is not valid here. */
const PURPOSE = `${RESPONSES_QUEUE}\n`;

/** Signs answers, and checks who signed them. */
export interface AnswerSignatures {
  /** @returns the header's value: `v1=` and the HMAC-SHA256, in hex, of `chat_responses`, a line feed and the body */
  sign(body: Buffer): string;
  /**
   * Takes the same time for every wrong signature, so that nobody can find a valid one by measuring.
   * @param signature the header as it was received; undefined: it is missing
   */
  isValid(body: Buffer, signature: unknown): boolean;
}

/** @param keys the first key signs. Signatures of all keys are valid, so that keys can be replaced one by one */
export function createAnswerSignatures(keys: readonly string[]): AnswerSignatures {
  const secrets = keys.map((key) => createSecretKey(key, 'utf8'));
  const [first] = secrets;
  if (!first) throw new Error('a key to sign answers with is missing');
  const macOf = (secret: typeof first, body: Buffer) => createHmac('sha256', secret).update(PURPOSE).update(body);
  return {
    sign: (body) => VERSION + macOf(first, body).digest('hex'),
    isValid: (body, signature) => {
      const claimed = /^v1=([0-9a-f]{64})$/i.exec(textOf(signature))?.[1];
      if (!claimed) return false;
      const mac = Buffer.from(claimed, 'hex');
      return secrets.some((secret) => timingSafeEqual(macOf(secret, body).digest(), mac));
    },
  };
}

/** Some AMQP clients send a text as a byte array. */
const textOf = (value: unknown) => (Buffer.isBuffer(value) ? value.toString('latin1') : String(value));
