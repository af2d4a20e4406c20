import type { ChatJobResult, StepRecord, WorkflowState } from '../../adapters/jobs/chat-job.ts';

/**
 * Returns one line about a job: the present step, then every step so far with its time, and the attempt and code of
 * failed steps.
 * @param job as BullMQ's `toJSON` returns it
 */
export function jobTitle(job: {
  progress?: WorkflowState | 0;
  returnvalue?: ChatJobResult | null;
  processedOn?: number | null | undefined;
}): string {
  const steps = job.returnvalue?.steps ?? (job.progress || undefined)?.steps ?? [];
  return [whereIs(job), ...steps.map(describeStep)].join(' · ');
}

function whereIs({ progress, returnvalue, processedOn }: Parameters<typeof jobTitle>[0]): string {
  if (returnvalue) return returnvalue.status;
  if (progress) return `at ${progress.step}, attempt ${progress.attempt}`;
  return processedOn ? 'first attempt' : 'not begun';
}

const describeStep = ({ step, attempt, ms, failed, waited }: StepRecord) =>
  waited
    ? `waited for the gate of ${waited.gate} ${ms} ms`
    : failed === undefined
      ? `${step} ${ms} ms`
      : `${step} ${ms} ms, attempt ${attempt}: ${failed}`;
