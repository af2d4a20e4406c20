import type { DataGroup, ExportKind, Scope } from '../../../api/erasure/data-group.ts';
import {
  type BrokerOfLetters,
  countLetters,
  eraseLetters,
  type LettersOf,
  readLetters,
} from '../../../bridge/redrive/letters-of-user.ts';
import type { Trace } from '../../../contracts/erasures.ts';
import { REQUESTS_QUEUE, RESPONSES_QUEUE, type WorkQueue } from '../../../contracts/queues.ts';
import { UnreadableMessage } from '../../../contracts/read-message.ts';
import { receive } from '../../../contracts/sealed-message.ts';
import type { Seals, TextSeals } from '../../../contracts/sealing.ts';
import { traceOfOne } from './traces.ts';

export function lettersGroup(options: {
  broker: BrokerOfLetters;
  seals: TextSeals;
}): DataGroup<'dead_requests' | 'dead_responses'> {
  const { broker, seals } = options;

  const lettersOf = async ({ userId, sessionId, traces }: Scope): Promise<LettersOf> => {
    const requestIds = new Set<string>();
    for await (const trace of traces()) for (const requestId of trace.requestIds) requestIds.add(requestId);
    return { userId, sessionId, requestIds };
  };

  const lettersIn = (queue: WorkQueue, kind: 'request' | 'response'): ExportKind =>
    async function* (scope) {
      for await (const { messageId, reason, body } of readLetters(broker, queue, await lettersOf(scope))) {
        const own = await seals.forOpening([scope.userId]);
        yield { messageId, reason, body: body ? opened(own, kind, body) : null };
      }
    };

  return {
    export: {
      dead_requests: lettersIn(REQUESTS_QUEUE, 'request'),
      dead_responses: lettersIn(RESPONSES_QUEUE, 'response'),
    },
    traced: false,
    count: async (scope) => {
      const of = await lettersOf(scope);
      return {
        dead_requests: await countLetters(broker, REQUESTS_QUEUE, of),
        dead_responses: await countLetters(broker, RESPONSES_QUEUE, of),
      };
    },
    gather: async (scope, note) => {
      const traces: Trace[] = [];
      await countLetters(broker, RESPONSES_QUEUE, await lettersOf(scope), ({ body = {} }) => {
        const [sessionId, requestId, answerKey] = [body.sessionId, body.requestId, body.answerKey].map(textOf);
        traces.push(traceOfOne({ sessionId: sessionId!, requestId: requestId!, answerKey: answerKey! }));
      });
      await note(traces);
    },
    erase: async (scope) => {
      const of = await lettersOf(scope);
      await eraseLetters(broker, REQUESTS_QUEUE, of);
      await eraseLetters(broker, RESPONSES_QUEUE, of);
    },
  };
}

/** The message with its texts. One that cannot be opened stays as it is. */
function opened(seals: Seals, kind: 'request' | 'response', body: Record<string, unknown>): Record<string, unknown> {
  try {
    return receive(kind, body, (fields) => fields).open(seals);
  } catch (error) {
    if (error instanceof UnreadableMessage) return body;
    throw error;
  }
}

const textOf = (value: unknown) => (typeof value === 'string' ? value : '');
