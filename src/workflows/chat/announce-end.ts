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
  await deliverResponse(delivery, job, run, 'publish-failure', response);
  await endLog(attempt.log, response);
}

/**
 * Publishes that the request was cancelled, with the text so far if it is streamed.
 * @throws UndeliverableReplyError, or as Publisher.publish does
 */
export async function announceCancellation(
  delivery: ResponseDelivery,
  job: ChatJobData,
  run: Run,
  attempt: ChatAttempt,
): Promise<ChatResponse> {
  const response = cancelled(job, attempt, attempt.log?.written || null);
  await deliverResponse(delivery, job, run, 'publish-cancellation', response);
  await endLog(attempt.log, response);
  return response;
}
