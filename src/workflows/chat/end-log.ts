import type { AttemptLog, EndOf } from '../../adapters/answer-log/answer-log.ts';
import type { ChatResponse } from '../../contracts/chat-response.ts';

/** Ends the log of a request that was not cancelled, whose response was published. @param log undefined: nobody streams it */
export async function endLog(log: AttemptLog | undefined, response: ChatResponse): Promise<void> {
  await log?.end(endOf(response), response.response ?? '');
}

function endOf(response: ChatResponse): EndOf {
  const { completedAt: at, attempts } = response;
  if (response.status === 'failed') return { type: 'failed', at, error: response.error!, attempts };
  const { model, provider, cached, usage, finishReason, timings } = response;
  return { type: 'completed', at, model, provider, cached, usage, finishReason, attempts, timings };
}
