import type { ChatJobData, ChatJobResult, WorkflowState } from '../../adapters/jobs/chat-job.ts';

// What the board shows of a job. Whatever a later version adds to a job stays hidden until it is named here.

/**
 * Returns a job's data with lengths in place of the user's texts.
 * @param data of any version; a job that somebody else has added may have anything
 */
export function dataWithoutTexts(data: Partial<ChatJobData> | undefined): object {
  const { request, traceparent, reply, receivedAt } = data ?? {};
  if (!request || typeof request !== 'object') return { traceparent, receivedAt };
  const {
    requestId,
    sessionId,
    userId,
    tenantId,
    message,
    context,
    cache,
    priority,
    model,
    stream,
    createdAt,
    deadline,
  } = request as Partial<ChatJobData['request']>;
  return {
    request: {
      ...{ requestId, sessionId, userId, tenantId, cache, priority, model, stream, createdAt, deadline },
      // A finished job has no question any more.
      messageChars: typeof message === 'string' ? message.length : null,
      contextTurns: Array.isArray(context) ? context.length : null,
    },
    ...{ traceparent, receivedAt, reply },
  };
}

/** Returns a job's progress with the names of the steps that have a result, instead of their results. */
export function progressWithoutTexts(progress: WorkflowState | 0 | undefined): object | number {
  if (!progress || typeof progress !== 'object') return 0;
  const { step, attempt, steps, results, crashes, retry, failure, costlyCalls, failedAt } = progress;
  return { step, attempt, steps, finished: Object.keys(results ?? {}), crashes, retry, failure, costlyCalls, failedAt };
}

/** Returns what a finished job shows. */
export function resultWithoutTexts(result: ChatJobResult | null | undefined): object | null {
  if (!result || typeof result !== 'object') return null;
  const { sessionId, userId, status, model, provider, cached, usage, attempts, timings, steps, traceId } = result;
  return { sessionId, userId, status, model, provider, cached, usage, attempts, timings, steps, traceId };
}
