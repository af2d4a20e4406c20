import type { ChatJobData, ChatJobResult, StepRecord } from '../../adapters/jobs/chat-job.ts';

/**
 * One line that says how far a job has come, and how: the step it is at, then every step it took, with its time, and
 * the attempt and the code of those that failed.
 * @param job as BullMQ's `toJSON` gives it
 */
export function jobTitle(job: { data?: Partial<ChatJobData>; returnvalue?: ChatJobResult | null }): string {
  const { workflow } = job.data ?? {};
  const steps = job.returnvalue?.steps ?? workflow?.steps ?? [];
  const at = workflow?.underWay ?? workflow?.step;
  const where = job.returnvalue ? job.returnvalue.status : at ? `at ${at}, attempt ${workflow?.attempt}` : 'not begun';
  return [where, ...steps.map(describeStep)].join(' · ');
}

const describeStep = ({ step, attempt, ms, failed }: StepRecord) =>
  failed === undefined ? `${step} ${ms} ms` : `${step} ${ms} ms, attempt ${attempt}: ${failed}`;
