import type { DataGroup, ExportKind, Scope } from '../../../api/erasure/data-group.ts';
import type { LettersOf, LettersOfUsers, OwnLetter } from '../../../bridge/redrive/letters-of-user.ts';
import type { Trace } from '../../../contracts/erasures.ts';
import { UnseenDeadLettersError } from '../../../contracts/errors.ts';
import { REQUESTS_QUEUE, RESPONSES_QUEUE, type WorkQueue } from '../../../contracts/queues.ts';
import { UnreadableMessage } from '../../../contracts/read-message.ts';
import { receive } from '../../../contracts/sealed-message.ts';
import type { Seals, TextSeals } from '../../../contracts/sealing.ts';
import { traceOfOne } from './traces.ts';

/**
 * Looking for letters keeps everybody else from them, so a try looks once, and a second time only if there is something to erase.
 * Both come after the traces of all others were gathered.
 */
export function lettersGroup(options: {
  letters: LettersOfUsers;
  seals: TextSeals;
}): DataGroup<'dead_requests' | 'dead_responses'> {
  const { letters, seals } = options;

  const lettersOf = async ({ userId, sessionId, traces }: Scope): Promise<LettersOf> => {
    const requestIds = new Set<string>();
    for await (const trace of traces()) for (const requestId of trace.requestIds) requestIds.add(requestId);
    return { userId, sessionId, requestIds };
  };

  const lettersIn = (queue: WorkQueue, kind: 'request' | 'response'): ExportKind =>
    async function* (scope) {
      for await (const { messageId, reason, body } of letters.read(queue, await lettersOf(scope))) {
        const own = await seals.forOpening([scope.userId]);
        yield { messageId, reason, body: body ? opened(own, kind, body) : null };
      }
    };

  /** What a try has found and not erased. A try has a scope of its own. */
  const seen = new WeakMap<Scope, LettersCount>();

  async function look(scope: Scope, onAnswer: (letter: OwnLetter) => void = () => {}): Promise<LettersCount> {
    const of = await lettersOf(scope);
    const [requests, responses] = await Promise.all([
      letters.find(REQUESTS_QUEUE, of),
      letters.find(RESPONSES_QUEUE, of, onAnswer),
    ]);
    const found = {
      ...{ dead_requests: requests.count, dead_responses: responses.count },
      unread: requests.unread + responses.unread,
    };
    seen.set(scope, found);
    return found;
  }

  const mustHaveSeenAll = ({ unread }: Pick<LettersCount, 'unread'>) => {
    if (unread > 0) throw new UnseenDeadLettersError(unread);
  };

  return {
    export: {
      dead_requests: lettersIn(REQUESTS_QUEUE, 'request'),
      dead_responses: lettersIn(RESPONSES_QUEUE, 'response'),
    },
    counted: 'traced',
    count: async (scope) => {
      const known = seen.get(scope);
      const { unread, ...counts } = known ?? (await look(scope));
      if (!known) mustHaveSeenAll({ unread });
      return counts;
    },
    gather: async (scope, note) => {
      const traces: Trace[] = [];
      const found = await look(scope, ({ body = {} }) => {
        const [sessionId, requestId, answerKey] = [body.sessionId, body.requestId, body.answerKey].map(textOf);
        traces.push(traceOfOne({ sessionId: sessionId!, requestId: requestId!, answerKey: answerKey! }));
      });
      await note(traces);
      mustHaveSeenAll(found);
    },
    erase: async (scope) => {
      const found = seen.get(scope);
      // Somebody else has the letters. The next try looks again.
      if (!found) return;
      const of = await lettersOf(scope);
      const erase = async (kind: 'dead_requests' | 'dead_responses', queue: WorkQueue) => {
        if (found[kind] === 0) return;
        await letters.erase(queue, of);
        found[kind] = 0;
      };
      await Promise.all([erase('dead_requests', REQUESTS_QUEUE), erase('dead_responses', RESPONSES_QUEUE)]);
    },
  };
}

type LettersCount = Record<'dead_requests' | 'dead_responses' | 'unread', number>;

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
