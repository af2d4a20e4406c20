import type { ChatJobData, KnownFailure } from '../../adapters/jobs/chat-job.ts';
import type { ChatResponse } from '../../contracts/chat-response.ts';
import type { Run } from '../engine/run.ts';
import type { ChatAttempt } from './chat-workflow.ts';
import { deliverResponse, type ResponseDelivery } from './deliver-response.ts';
import { endLog } from './end-log.ts';
import { cancelled, failed } from './terminal-response.ts';

/**
 * Tells the user that the request has failed for good.
 * @throws UndeliverableReplyError, or as Publisher.publish does
 */
export async function announceFailure(
  delivery: ResponseDelivery,
  job: ChatJobData,
  run: Run,
  attempt: ChatAttempt,
  failure: KnownFailure,
): Promise<void> {
  const response = failed(job, failure, attempt);
  await deliverResponse(delivery, job, { run, seals: attempt.seals }, 'publish-failure', response);
  await endLog(attempt.log, response);
}

/**
 * Publishes that the request was cancelled. If it is streamed, its log ends first, and decides the text.
 * @throws UndeliverableReplyError, or as Publisher.publish does
 */
export async function announceCancellation(
  delivery: ResponseDelivery,
  job: ChatJobData,
  run: Run,
  attempt: ChatAttempt,
): Promise<ChatResponse> {
  const text = await attempt.log?.stop(new Date().toISOString());
  const response = cancelled(job, attempt, { text, partialUsage: run.state.partialUsage });
  await deliverResponse(delivery, job, { run, seals: attempt.seals }, 'publish-cancellation', response);
  return response;
}
