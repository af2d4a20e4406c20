import { CLASSES } from '../fair-order.ts';
import { USER_FIELD } from './bullmq-layout.ts';

const { interactive, batch } = CLASSES;

/** The constants for a script that includes `line`. */
export const lineConstants = {
  INTERACTIVE_FROM: interactive.from,
  INTERACTIVE_TO: interactive.to,
  BATCH_FROM: batch.from,
  BATCH_TO: batch.to,
  USER_FIELD,
};
