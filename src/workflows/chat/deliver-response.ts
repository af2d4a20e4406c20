import type { ChatJobData } from '../../adapters/jobs/chat-job.ts';
import type { PublishResponse } from '../../adapters/rabbitmq/chat-messages.ts';
import type { ReplyPublisher } from '../../adapters/rabbitmq/reply-publisher.ts';
import type { ChatResponse } from '../../contracts/chat-response.ts';
import { UndeliverableReplyError } from '../../contracts/errors.ts';
import type { Seals } from '../../contracts/sealing.ts';
import type { Run } from '../engine/run.ts';

/** Where responses go. */
export interface ResponseDelivery {
  publish: PublishResponse;
  /** Keeps a response that the request's reply queue does not take as a dead letter. */
  keepReply: ReplyPublisher['keep'];
}

/**
 * Sends a response to the queue that its request wants. If the reply queue does not take it, the response becomes a
 * dead letter, once. It also stays with the job, which fails with this error. An operator can retry the job or send the
 * letter again.
 * @param seals of the request's user
 * @param step the name of the step, which says what is published
 * @throws UndeliverableReplyError
 */
export async function deliverResponse(
  { publish, keepReply }: ResponseDelivery,
  { traceparent, tracestate, reply }: ChatJobData,
  { run, seals }: { run: Run; seals: Seals },
  step: string,
  response: ChatResponse,
): Promise<void> {
  try {
    await run.step(step, (span) =>
      publish(response, { traceparent: span?.traceparent ?? traceparent, tracestate }, { seals, reply }),
    );
  } catch (error) {
    if (!reply || !(error instanceof UndeliverableReplyError)) throw error;
    await run.step('keep-reply', async () => {
      await keepReply(response, { traceparent, tracestate }, reply, error);
      return true;
    });
    await run.save();
    throw error;
  }
}
