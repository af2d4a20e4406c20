import type { Logger } from 'pino';
import type { JobInHand } from '../adapters/jobs/job-in-hand.ts';
import type { ChatResponse } from '../contracts/chat-response.ts';
import { traceIdOf } from '../contracts/traceparent.ts';
import type { Span, Tracer } from '../contracts/tracer.ts';
import type { ChatAttempt, ChatWorkflow } from './chat/chat-workflow.ts';
import { createRun, type Run } from './engine/run.ts';

/** One attempt at a job, and what it needs. */
export interface Task {
  job: JobInHand;
  run: Run;
  attempt: ChatAttempt;
  /** The span of the attempt. undefined: tracing is off. */
  span: Span | undefined;
  /** How often a model's gate had opened when the attempt began. */
  openings: number;
}

/** What the worker reports, for the metrics. */
export interface ChatWorkerEvents {
  onStarted(): void;
  /** @param traceId of the request; '' if it has none */
  onStep(step: string, result: 'ok' | 'failed', ms: number, traceId: string): void;
  onRetry(code: string): void;
  onFinished(status: ChatResponse['status'], code: string): void;
  /** The job is no longer in this worker's hands, for whatever reason. */
  onReleased(): void;
}

/** What every attempt in this process shares. */
export interface TaskSurroundings {
  workflow: ChatWorkflow;
  events: ChatWorkerEvents;
  logger: Logger;
  /** Whether the process must stop, and the grace period for jobs is over. */
  isStopping: () => boolean;
}

/** Begins an attempt where the previous one has left the job. */
export function beginTask(
  job: JobInHand,
  { logs, awaitingModel }: Pick<ChatWorkflow, 'logs' | 'awaitingModel'>,
  events: Pick<ChatWorkerEvents, 'onStep'>,
  tracer?: Tracer,
): Task {
  const { request, traceparent } = job.data;
  const { requestId, userId } = request;
  const traceId = traceIdOf(traceparent);
  const earlier = job.state;
  const number = job.attemptsMade + 1;
  const span = tracer && startAttemptSpan(tracer, job, number);
  // An operator who retries a failed request wants its answer, however late. Only `failedAt` shows such a retry. An
  // announced failure does not, because the worker may have died before it moved the job.
  const deadlineAt = request.deadline && !earlier?.failedAt ? Date.parse(request.deadline) : Number.POSITIVE_INFINITY;
  return {
    job,
    run: createRun({
      attempt: number,
      crashes: job.crashes,
      earlier,
      save: (state) => job.saveState(state),
      onStep: (step, result, ms) => events.onStep(step, result, ms, traceId),
      startSpan: span && ((step) => tracer.start({ name: step, kind: 'internal', parent: span })),
    }),
    span,
    openings: awaitingModel.openings,
    attempt: {
      number,
      startedAt: Date.now(),
      deadlineAt,
      signal: job.signal,
      seals: job.seals,
      traceparent: span?.traceparent,
      log: request.stream
        ? logs?.open({ requestId, userId, epoch: job.attemptsStarted, attempt: number, deadlineAt })
        : undefined,
    },
  };
}

function startAttemptSpan(tracer: Tracer, { data: { request, traceparent } }: JobInHand, number: number): Span {
  return tracer.start({
    name: 'attempt',
    kind: 'internal',
    parent: traceparent,
    attributes: {
      'healify.request.id': request.requestId,
      'healify.session.id': request.sessionId,
      'healify.attempt': number,
    },
  });
}

/** Notes in the attempt's span how it ended. @param code why it was not the last one, or why the request has failed */
export function noteOutcome(
  { span }: Task,
  outcome: 'completed' | 'cancelled' | 'waiting' | 'retried' | 'handed back' | 'failed',
  code?: string,
): void {
  span?.set({ 'healify.outcome': outcome, ...(code !== undefined && { 'healify.code': code }) });
  if (outcome === 'retried' || outcome === 'failed') span?.fail(code ?? 'internal_error');
}

/** A log whose lines say which request they are about. */
export function logOf(logger: Logger, { job: { data } }: Task): Logger {
  const { requestId, sessionId } = data.request;
  return logger.child({ requestId, sessionId, traceId: traceIdOf(data.traceparent) });
}
