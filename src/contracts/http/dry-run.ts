import { z } from 'zod';

/** In every body that changes something for an operator. */
export const dryRun = z
  .boolean()
  .default(false)
  .describe('true: change nothing, and only say what would happen to how many.');
