import { type AnswerSignatures, createAnswerSignatures } from '../contracts/answer-signature.ts';

/** undefined where there is no key, which only ACCEPT_UNSIGNED_ANSWERS allows. */
export const answerSignaturesOf = (config: { messageSigningKeys: string[] }): AnswerSignatures | undefined =>
  config.messageSigningKeys.length > 0 ? createAnswerSignatures(config.messageSigningKeys) : undefined;
