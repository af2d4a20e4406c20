import { createAnswerSignatures } from '../src/contracts/answer-signature.ts';

/** What processes of tests sign with, unless a test says otherwise. */
export const MESSAGE_SIGNING_KEY = 'known-to-each-process-of-the-tests-----';
export const signatures = createAnswerSignatures([MESSAGE_SIGNING_KEY]);
