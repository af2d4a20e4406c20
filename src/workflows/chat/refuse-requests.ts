import type { ChatJobData } from '../../adapters/jobs/chat-job.ts';
import { UndeliverableReplyError } from '../../contracts/errors.ts';
import { plainSeals } from '../../contracts/sealing.ts';
import type { ResponseDelivery } from './deliver-response.ts';
import { cancelled } from './terminal-response.ts';

/**
 * Ends requests that become no jobs, because their users were erased. Each is published as cancelled, without a text.
 * @throws BrokerUnavailableError, UnroutableError
 */
export async function refuseRequests(
  { publish }: Pick<ResponseDelivery, 'publish'>,
  jobs: readonly ChatJobData[],
): Promise<void> {
  await Promise.all(
    jobs.map(async (job) => {
      const { traceparent, tracestate, reply } = job;
      const response = cancelled(job, { number: 0, startedAt: Date.now() });
      try {
        // There is no text to seal.
        await publish(response, { traceparent, tracestate }, { seals: plainSeals, reply });
      } catch (error) {
        // A dead letter would be kept, and nobody waits for it.
        if (!(error instanceof UndeliverableReplyError)) throw error;
      }
    }),
  );
}
