import type { StepRecord, WorkflowState } from '../../adapters/jobs/chat-job.ts';
import { HealifyError } from '../../contracts/errors.ts';

/** Of a job's steps over all its attempts, how many are kept for whoever looks. */
const STEPS_KEPT = 30;

/**
 * One attempt at a workflow. Each step is timed and named; the result of one that finished is kept in `state`, and a
 * later attempt that is given this state does not run the step again. A result of `undefined` is not kept: there is
 * nothing to resume from.
 */
export interface Run {
  readonly state: WorkflowState;
  /** The step during which the process of the attempt before this one died, if it was one that is saved. */
  readonly interrupted: string | undefined;
  /**
   * Runs a step, or gives what it gave in an earlier attempt.
   * @param options.save before and after the step, write the state down: for a step that must not be repeated unseen
   */
  step<T>(name: string, run: () => Promise<T>, options?: { save: boolean }): Promise<T>;
}

/** @param options.save writes the state into the job: one round trip */
export function createRun(options: {
  attempt: number;
  earlier: WorkflowState | undefined;
  save: (state: WorkflowState) => Promise<void>;
  onStep: (step: string, result: 'ok' | 'failed', ms: number) => void;
}): Run {
  const { attempt, earlier, save, onStep } = options;
  const { underWay: interrupted, ...kept }: Partial<WorkflowState> = earlier ?? {};
  const state: WorkflowState = { step: '', steps: [], results: {}, ...kept, attempt };

  const record = (step: string, startedAt: number, failed?: string) => {
    const ms = Math.round((performance.now() - startedAt) * 10) / 10;
    const entry: StepRecord = { step, attempt, ms, ...(failed !== undefined && { failed }) };
    state.steps = [...state.steps, entry].slice(-STEPS_KEPT);
    onStep(step, failed === undefined ? 'ok' : 'failed', ms);
  };

  return {
    state,
    interrupted,
    step: async <T>(name: string, run: () => Promise<T>, { save: mustSave } = { save: false }) => {
      if (name in state.results) return state.results[name] as T;
      state.step = name;
      if (mustSave) await save({ ...state, underWay: name });
      const startedAt = performance.now();
      let result: T;
      try {
        result = await run();
      } catch (error) {
        record(name, startedAt, error instanceof HealifyError ? error.code : 'internal_error');
        throw error;
      }
      record(name, startedAt);
      if (result !== undefined) state.results[name] = result;
      if (mustSave) await save(state);
      return result;
    },
  };
}
