import type { ProcessList } from '../contracts/http/process-bodies.ts';
import type { SeenProcess } from '../contracts/processes.ts';

/** Says what is wrong with the processes, so that an operator need not compare them. */
export function judgeProcesses(processes: SeenProcess[]): ProcessList {
  const warnings = [];
  const alive = processes.filter(({ state }) => state === 'alive');
  if (!alive.some(({ role }) => role === 'worker')) {
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
