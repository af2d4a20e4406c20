import type { ProcessList } from '../contracts/http/process-bodies.ts';
import type { SeenProcess } from '../contracts/processes.ts';

/** What else an operator must know: what stops the work although all processes run, and who works without a heartbeat. */
export interface AlsoSeen {
  /** Since when the intake has been paused, ISO 8601; null: it is not. */
  intakePausedSince: string | null;
  /** The queues of jobs that somebody has paused. */
  pausedQueues: readonly string[];
  /** Whether anybody answers questions. A worker in another language has no heartbeat. */
  isWorkedOn: boolean;
}

/** Says what is wrong, so that an operator need not compare the processes. */
export function judgeProcesses(
  processes: SeenProcess[],
  { intakePausedSince, pausedQueues, isWorkedOn }: AlsoSeen,
): ProcessList {
  const warnings = [];
  if (intakePausedSince !== null) {
    warnings.push(`The intake has been paused since ${intakePausedSince}: new questions wait in RabbitMQ.`);
  }
  for (const queue of pausedQueues) warnings.push(`The queue of jobs ${queue} is paused: nobody takes its jobs.`);
  const alive = processes.filter(({ state }) => state === 'alive');
  if (!isWorkedOn && !alive.some(({ role }) => role === 'worker')) {
    warnings.push('No worker is alive: questions are accepted, but nobody answers them.');
  }
  for (const role of ['worker', 'api'] as const) {
    const missing = processes.filter((one) => one.role === role && one.state === 'missing').length;
    if (missing > 0) warnings.push(`${missing} ${role} process${missing === 1 ? ' is' : 'es are'} missing.`);
  }
  if (new Set(alive.map(({ settings }) => settings)).size > 1) {
    warnings.push('Processes have different settings that must be the same: see docs/operating.md.');
  }
  return { processes, warnings };
}
