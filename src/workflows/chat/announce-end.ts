import type { ChatJobData, KnownFailure } from '../../adapters/jobs/chat-job.ts';
import type { ChatResponse } from '../../contracts/chat-response.ts';
import type { Run } from '../engine/run.ts';
import { deliverResponse, type ResponseDelivery } from './deliver-response.ts';
import { cancelled, failed, type LastAttempt } from './terminal-response.ts';

/**
 * Tells the user that the request has failed for good.
 * @throws UndeliverableReplyError, or as Publisher.publish does
 */
export async function announceFailure(
  delivery: ResponseDelivery,
  job: ChatJobData,
  run: Run,
  attempt: LastAttempt,
  failure: KnownFailure,
): Promise<void> {
  const response = failed(job, failure, attempt);
  await deliverResponse(delivery, job, run, 'publish-failure', response);
}

/**
 * Publishes that the request was cancelled.
 * @throws UndeliverableReplyError, or as Publisher.publish does
 */
export async function announceCancellation(
  delivery: ResponseDelivery,
  job: ChatJobData,
  run: Run,
  attempt: LastAttempt,
): Promise<ChatResponse> {
  const response = cancelled(job, attempt);
  await deliverResponse(delivery, job, run, 'publish-cancellation', response);
  return response;
}
