import type { ChatJobData, ChatJobResult, StepRecord } from '../../adapters/jobs/chat-job.ts';

/**
 * One line that says how far a job has come, and how: the step it is at, then every step it took, with its time, and
 * the attempt and the code of those that failed.
 * @param job as BullMQ's `toJSON` gives it
 */
export function jobTitle(job: {
  data?: Partial<ChatJobData>;
  returnvalue?: ChatJobResult | null;
  processedOn?: number | null | undefined;
}): string {
  const { workflow } = job.data ?? {};
  const steps = job.returnvalue?.steps ?? workflow?.steps ?? [];
  return [whereIs(job), ...steps.map(describeStep)].join(' · ');
}

function whereIs({ data, returnvalue, processedOn }: Parameters<typeof jobTitle>[0]): string {
  if (returnvalue) return returnvalue.status;
  const { step, attempt } = data?.workflow ?? {};
  if (step) return `at ${step}, attempt ${attempt}`;
  return processedOn ? 'first attempt' : 'not begun';
}

const describeStep = ({ step, attempt, ms, failed }: StepRecord) =>
  failed === undefined ? `${step} ${ms} ms` : `${step} ${ms} ms, attempt ${attempt}: ${failed}`;
