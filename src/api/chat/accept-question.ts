import type { AnswerLogKeeper } from '../../adapters/answer-log/answer-log.ts';
import type { ConversationStore } from '../../adapters/conversations/conversation-store.ts';
import type { PublishRequest } from '../../adapters/rabbitmq/chat-messages.ts';
import type { ChatRequest } from '../../contracts/chat-request.ts';
import type { Turn } from '../../contracts/conversation.ts';
import { ApiError } from '../../contracts/errors.ts';
import { traceIdOf } from '../../contracts/traceparent.ts';
import { CONTEXT_TURNS, contextBytes, contextOf } from './context.ts';

export interface NewQuestion {
  requestId: string;
  sessionId: string;
  userId: string;
  tenantId?: string | undefined;
  message: string;
  /**
   * true: the session begins with this question, and must not exist yet. false: it must exist and belong to the user.
   */
  newSession: boolean;
  /** Whether the client chose the session's id. */
  chosenId: boolean;
  /** false: the answer cache is neither read nor written. */
  cache: boolean;
  /** The model that the user chose, one of the allowed models. */
  model?: string | undefined;
  priority: ChatRequest['priority'];
  /** Whether the answer can be read while it is written. */
  stream: boolean;
  /** W3C trace context. */
  traceparent: string;
  tracestate?: string | undefined;
  /** Whether the client waits for the answer. Then it does not read the turn before that. */
  waits: boolean;
}

export interface AcceptedQuestion {
  /** When it was asked, ISO 8601. */
  createdAt: string;
  /** Resolves once the user can see the question. */
  shown: Promise<void>;
}

export interface AcceptOptions {
  conversations: Pick<ConversationStore, 'begin' | 'confirm' | 'session'>;
  publishRequest: PublishRequest;
  /** @throws BrokerUnavailableError if nothing can be published now */
  assertBrokerReady: () => void;
  logs: Pick<AnswerLogKeeper, 'queued'>;
  /** A question without an answer after this time fails. */
  requestDeadlineMs: number;
  /** How much of the conversation is sent with the question. */
  contextMaxTokens: number;
  onAccepted: () => void;
}

/**
 * Takes a question in three steps: it is written down, then published, and after the broker's confirm its user can see
 * it. So a refused question is never seen. Repeating this with the same ids is harmless.
 * @throws ApiError session_not_found, session_id_taken, session_full
 * @throws BrokerUnavailableError, UnroutableError, StoreUnavailableError
 */
export async function acceptQuestion(options: AcceptOptions, question: NewQuestion): Promise<AcceptedQuestion> {
  const { conversations, publishRequest, requestDeadlineMs, contextMaxTokens } = options;
  const { requestId, sessionId, userId, tenantId, message, newSession, chosenId, cache, model } = question;
  const { priority, stream, traceparent, tracestate, waits } = question;

  const earlier = newSession ? [] : await newestTurns(options, sessionId, userId);
  if (!earlier) throw new ApiError('session_not_found', IN_BODY);
  // While the broker is away, a refused question leaves nothing behind. If the broker goes away later, it may have the
  // question. So the turn stays, for an answer that may come.
  options.assertBrokerReady();
  const now = Date.now();
  const createdAt = new Date(now).toISOString();
  const begun = await conversations.begin(
    {
      ...{ sessionId, userId, requestId, message, createdAt, stream },
      traceId: traceIdOf(traceparent),
      dueInMs: requestDeadlineMs,
    },
    { newSession },
  );
  if (begun === 'not_found') throw new ApiError('session_not_found', IN_BODY);
  if (begun === 'taken') throw chosenId ? new ApiError('session_id_taken') : new ApiError('session_not_found', ERASED);
  if (begun === 'user_erased') throw new ApiError('user_erased');
  if (begun === 'full') throw new ApiError('session_full');
  const request: ChatRequest = {
    version: 1,
    requestId,
    sessionId,
    userId,
    ...(tenantId !== undefined && { tenantId }),
    message,
    context: contextOf(earlier, contextMaxTokens),
    cache,
    ...(model !== undefined && { model }),
    priority,
    ...(stream && { stream }),
    createdAt,
    deadline: new Date(now + requestDeadlineMs).toISOString(),
  };
  await publishRequest(request, { traceparent, tracestate });
  options.onAccepted();
  // If this fails, the worker begins the log.
  if (stream) options.logs.queued(requestId, now + requestDeadlineMs).catch(() => {});
  const shown = conversations.confirm(sessionId, requestId, { hurry: !waits });
  // Callers that await `shown` learn of a failure. A client that waits for the answer does not await it.
  shown.catch(() => {});
  return { createdAt, shown };
}

/**
 * A session id that we chose is only taken if the request is repeated with its Idempotency-Key, which gives the same
 * id.
 */
const ERASED = { detail: 'The conversation of this Idempotency-Key was erased. Use a new key.' };
const IN_BODY = { errors: [{ path: 'sessionId', message: 'is no conversation of yours' }] };

/** Reads only as many turns as can be sent with the question, and not the whole session. */
async function newestTurns(
  { conversations, contextMaxTokens }: AcceptOptions,
  sessionId: string,
  userId: string,
): Promise<Turn[] | undefined> {
  const maxBytes = contextBytes(contextMaxTokens);
  const page = await conversations.session(sessionId, userId, { limit: CONTEXT_TURNS, maxBytes });
  return page?.turns;
}
