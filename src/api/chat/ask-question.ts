import { randomUUID } from 'node:crypto';
import type { ConversationStore } from '../../adapters/conversations/conversation-store.ts';
import type { IdempotencyKeys } from '../../adapters/idempotency-keys/idempotency-keys.ts';
import type { Caller } from '../../contracts/account.ts';
import type { Answer, Turn } from '../../contracts/conversation.ts';
import { ApiError } from '../../contracts/errors.ts';
import type { Accepted, SendBody } from '../../contracts/http/chat-bodies.ts';
import type { TraceHeaders } from '../../contracts/traceparent.ts';
import type { AcceptedQuestion, NewQuestion } from './accept-question.ts';
import { claimKey, type QuestionIds } from './idempotency.ts';
import type { Line } from './line/line.ts';
import { ENDED, type Progress } from './line/progress.ts';

export interface AskOptions {
  /** Takes the question, or rejects with an error that the client may see. */
  accept: (question: NewQuestion) => Promise<AcceptedQuestion>;
  conversations: Pick<ConversationStore, 'turn'>;
  idempotencyKeys: IdempotencyKeys;
  /** Makes the id of a request of a user, a random UUID. */
  newRequestId: (userId: string) => string;
  /** The line that new questions join. */
  line: Pick<Line, 'admit' | 'ended' | 'progress'>;
  /** Refuses users who may not ask yet. @throws ApiError email_unverified */
  mayAsk: (userId: string) => Promise<void>;
  /** The models that a question may choose. */
  allowedModels: readonly string[];
}

/** A question that has its ids, and was not asked yet. */
export interface NamedQuestion extends QuestionIds {
  userId: string;
  tenantId?: string | undefined;
  body: SendBody;
  /** Whether its key came before, so that it may have been asked already. */
  repeated: boolean;
}

/** A question that was asked, now or before. */
export interface AskedQuestion extends QuestionIds {
  userId: string;
  /** As it was found. undefined: it was asked before, and then its first request had failed. */
  turn: Turn | undefined;
  /** Resolves once the user can see the question. */
  shown: Promise<void>;
  readTurn(): Promise<Turn | undefined>;
  /**
   * Says where the question is.
   * @param turn as the caller knows it
   * @param waited time has gone by since it was asked, so its place in line must be looked up
   */
  standing(turn: Turn | undefined, waited: boolean): Promise<Omit<Accepted, keyof QuestionIds>>;
}

/** @throws ApiError validation_failed, with the field `model` */
export function mustBeAllowed(model: string | undefined, allowed: readonly string[]): void {
  if (model === undefined || allowed.includes(model)) return;
  throw new ApiError('validation_failed', {
    errors: [{ path: 'model', message: `must be one of: ${allowed.join(', ')}` }],
  });
}

/**
 * Makes sure that the user may ask, and gives the question its ids: new ones, or those that its idempotency key has had before.
 * @throws ApiError idempotency_key_reused, email_unverified
 * @throws StoreUnavailableError
 */
export async function nameQuestion(
  { idempotencyKeys, newRequestId, mayAsk }: Pick<AskOptions, 'idempotencyKeys' | 'newRequestId' | 'mayAsk'>,
  asked: Pick<Caller, 'userId' | 'tenantId'> & { body: SendBody; key: string | undefined },
): Promise<NamedQuestion> {
  const { key, ...question } = asked;
  const { userId, body } = question;
  await mayAsk(userId);
  const ids = { sessionId: body.sessionId ?? randomUUID(), requestId: newRequestId(userId) };
  if (key === undefined) return { ...ids, ...question, repeated: false };
  const claimed = await claimKey(idempotencyKeys, { userId, key, meaning: meaningOf(body), ids });
  return { ...claimed.ids, ...question, repeated: claimed.repeated };
}

/**
 * Asks a question. If it was asked before, nothing is asked again.
 * @param how.waits somebody waits for the answer, and so does not read the turn before that
 * @throws what `accept` throws
 * @throws ApiError overloaded
 */
export async function askQuestion(
  { accept, conversations, line }: AskOptions,
  { sessionId, requestId, userId, tenantId, body, repeated }: NamedQuestion,
  how: TraceHeaders & { stream: boolean; waits: boolean },
): Promise<AskedQuestion> {
  const { message, sessionId: chosen, model, priority = 'interactive', cache = true } = body;
  let shown: Promise<void> = Promise.resolve();
  // The session belongs to the user: its id is new, or this user got it for this key before.
  const readTurn = async () => {
    await shown;
    return await conversations.turn({ sessionId, requestId, userId });
  };
  // If the first request with this key failed before the broker's confirm, its repeat is treated as the first.
  let turn = repeated ? await readTurn() : undefined;
  let admitted: Progress | undefined;
  if (!turn) {
    admitted = { ...JUST_QUEUED, ...line.admit(requestId) };
    const question = {
      ...{ requestId, sessionId, userId, tenantId, message, cache, model, priority, ...how },
      newSession: chosen === undefined || body.newSession === true,
      chosenId: chosen !== undefined,
    };
    const accepted = await accept(question).catch((error: unknown) => {
      line.ended(requestId);
      throw error;
    });
    shown = accepted.shown;
    if (!repeated) turn = { sessionId, requestId, message, createdAt: accepted.createdAt, ...UNANSWERED };
  }
  return {
    ...{ sessionId, requestId, userId, turn, shown, readTurn },
    standing: async (now, waited) => {
      if (now?.answer) return endedAs(now.answer);
      if (admitted && !waited) return admitted;
      const createdAt = now?.createdAt ?? new Date().toISOString();
      return (await line.progress(userId, [{ requestId, createdAt }]))[0]!;
    },
  };
}

/**
 * What must be the same for a repeat to be the same question. A missing field equals its default. Fields that are
 * rarely given come last, so that a key that an earlier version took still matches.
 */
function meaningOf({ message, sessionId, newSession, cache = true, model, priority = 'interactive' }: SendBody) {
  const rarelyGiven = [...(sessionId && newSession ? ['new'] : []), ...(priority === 'interactive' ? [] : [priority])];
  return [message, sessionId ?? null, cache, model ?? null, ...rarelyGiven];
}

const UNANSWERED = { answer: null, feedback: null };

const JUST_QUEUED = { status: 'queued', attempts: 0, retry: null } as const;

const endedAs = ({ status, attempts }: Answer) => ({ status, attempts, retry: null, ...ENDED });
