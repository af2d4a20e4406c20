import type { Logger } from 'pino';
import type { SettleOutcome } from '../../adapters/conversations/conversation-store.ts';
import type { ChatResponse } from '../../contracts/chat-response.ts';
import { traceIdOf } from '../../contracts/traceparent.ts';
import type { ApiMetrics } from '../../observability/metrics.ts';
import type { AnswerWaiter } from './answer-waiter.ts';
import type { SessionEraser } from './erase-session.ts';
import type { Line } from './line/line.ts';

/**
 * What follows when this process has settled an answer of `chat_responses`: waiting clients are told, the line counts
 * the answer, and if its session was erased meanwhile, the answer is erased as well.
 */
export function createOnSettled(options: {
  answerWaiter: Pick<AnswerWaiter, 'settled'>;
  line: Pick<Line, 'settled'>;
  eraser: Pick<SessionEraser, 'eraseLate'>;
  metrics: Pick<ApiMetrics, 'responsesSettled' | 'answerTime'>;
  logger: Logger;
}): (outcome: SettleOutcome, response: ChatResponse, traceparent: unknown) => void {
  const { answerWaiter, line, eraser, metrics, logger } = options;
  return (outcome, response, traceparent) => {
    const { status, cached, timings, requestId, sessionId } = response;
    const traceId = traceIdOf(traceparent);
    metrics.responsesSettled.inc({ outcome });
    answerWaiter.settled(requestId, outcome === 'settled' ? response : 'look');
    if (outcome === 'settled') {
      const labels = { status, cached: String(cached) };
      metrics.answerTime.observe(labels, timings.totalMs / 1000, traceId);
      line.settled(response);
    }
    if (outcome === 'erased') {
      eraser
        .eraseLate(response)
        .catch((error) =>
          logger.warn(
            { requestId, sessionId, traceId, err: error },
            'a late answer could not be erased yet; trying again later',
          ),
        );
    }
  };
}
