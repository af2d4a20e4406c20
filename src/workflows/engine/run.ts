import type { StepRecord, WorkflowState } from '../../adapters/jobs/chat-job.ts';
import { AnswerUnderWayError } from '../../contracts/errors.ts';
import { type Span, spanCodeOf } from '../../contracts/tracer.ts';

/** How many of a job's latest steps, of all its attempts, are kept for operators. */
const STEPS_KEPT = 30;
/** How a wait for a gate is called in the list of steps. */
const WAIT = 'wait-for-gate';

/**
 * One attempt at a workflow. Each step has a name and is timed. The result of a finished step is kept in `state`. A
 * later attempt with this state does not run the step again. A result of `undefined` is not kept, so such a step runs
 * again.
 */
export interface Run {
  readonly state: WorkflowState;
  /**
   * Whether the process of the previous attempt died. A step without a saved result may have been done nevertheless.
   */
  readonly interrupted: boolean;
  /**
   * Runs a step, or returns its result from an earlier attempt.
   * @param run is given the step's span. undefined: tracing is off
   */
  step<T>(name: string, run: (span: Span | undefined) => Promise<T>): Promise<T>;
  /** Saves the results of the steps so far. Call it after a step that must not be repeated. */
  save(): Promise<void>;
  /**
   * Notes that a model's gate has turned this attempt away. The next attempt will take the same steps again, so one entry
   * stands for the steps of all of them.
   */
  turnedAway(gate: string): void;
}

/** @param options.save writes the present state into the job. One round trip */
export function createRun(options: {
  attempt: number;
  /** How often a process has died while it worked on the job. */
  crashes: number;
  earlier: WorkflowState | undefined;
  save: (state: WorkflowState) => Promise<void>;
  onStep: (step: string, result: 'ok' | 'failed', ms: number) => void;
  /** Left out: tracing is off. */
  startSpan?: ((step: string) => Span) | undefined;
}): Run {
  const { attempt, crashes, earlier, save, onStep, startSpan } = options;
  const interrupted = crashes > (earlier?.crashes ?? 0);
  const steps = [...(earlier?.steps ?? [])];
  const own = new Set<StepRecord>();
  endWait(steps.at(-1));
  const state: WorkflowState = { step: '', results: {}, ...earlier, steps, attempt, crashes };

  const add = (entry: StepRecord) => {
    steps.push(entry);
    if (steps.length > STEPS_KEPT) steps.shift();
  };
  const record = (step: string, startedAt: number, failed?: string) => {
    const ms = Math.round((performance.now() - startedAt) * 10) / 10;
    const entry: StepRecord = { step, attempt, ms, ...(failed !== undefined && { failed }) };
    own.add(entry);
    add(entry);
    onStep(step, failed === undefined ? 'ok' : 'failed', ms);
  };

  return {
    state,
    interrupted,
    save: () => save(state),
    turnedAway: (gate) => {
      steps.splice(0, steps.length, ...steps.filter((entry) => !own.has(entry)));
      const last = steps.at(-1);
      if (last?.waited?.gate === gate && last.attempt === attempt) last.waited.times += 1;
      else add({ step: WAIT, attempt, ms: 0, waited: { gate, times: 1, since: new Date().toISOString() } });
    },
    step: async <T>(name: string, run: (span: Span | undefined) => Promise<T>) => {
      if (name in state.results) return state.results[name] as T;
      state.step = name;
      const startedAt = performance.now();
      const span = startSpan?.(name);
      let result: T;
      try {
        result = await run(span);
      } catch (error) {
        record(name, startedAt, spanCodeOf(error));
        // To wait for the answer to the same question is no failure.
        if (!(error instanceof AnswerUnderWayError)) span?.fail(spanCodeOf(error));
        throw error;
      } finally {
        span?.end();
      }
      record(name, startedAt);
      if (result !== undefined) state.results[name] = result;
      return result;
    },
  };
}

/** A job that waited at a gate goes on now, or is turned away again. */
function endWait(entry: StepRecord | undefined): void {
  if (entry?.waited) entry.ms = Math.max(0, Date.now() - Date.parse(entry.waited.since));
}
