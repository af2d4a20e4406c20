import { bullMqProblem } from '../adapters/jobs/bullmq-version.ts';
import type { Logger } from '../observability/log.ts';

/** Ends the process if the installed BullMQ is not the version that our Redis scripts know. */
export function refuseOtherBullMq(logger: Logger): void {
  const problem = bullMqProblem();
  if (!problem) return;
  logger.fatal(problem);
  process.exit(1);
}
