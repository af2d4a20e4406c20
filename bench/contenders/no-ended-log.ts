import type { appendToEndedLog as append, EndedLog } from '../../src/adapters/jobs/search/ended-log.ts';

// Takes the place of src/adapters/jobs/search/ended-log.ts: see pipeline-unwatched.ts.
export const createEndedLog = (): EndedLog => ({
  start: () => {},
  stop: async () => {},
  completed: () => {},
  failed: async () => {},
});
export const appendToEndedLog: typeof append = async () => {};
