import { type AnswerSignatures, createAnswerSignatures } from '../contracts/answer-signature.ts';

/** undefined: there is no key, which only ACCEPT_UNSIGNED_ANSWERS allows. */
export const answerSignaturesOf = (config: { messageSigningKey: string[] }): AnswerSignatures | undefined =>
  config.messageSigningKey.length > 0 ? createAnswerSignatures(config.messageSigningKey) : undefined;
