import { randomUUID } from 'node:crypto';
import type { RequestHandler } from 'express';
import type { AnswerLogReader } from '../../adapters/answer-log/answer-log.ts';
import type { ConversationStore } from '../../adapters/conversations/conversation-store.ts';
import type { IdempotencyKeys } from '../../adapters/idempotency-keys/idempotency-keys.ts';
import { type Answer, answerOf, type Turn } from '../../contracts/conversation.ts';
import { ApiError } from '../../contracts/errors.ts';
import { type Accepted, type SendBody, sendBody } from '../../contracts/http/chat-bodies.ts';
import { addressOf } from '../base-path.ts';
import type { EventStreams } from '../realtime/event-streams.ts';
import { followAnswer } from '../realtime/follow-answer.ts';
import { parse } from '../validate.ts';
import type { AcceptedQuestion, NewQuestion } from './accept-question.ts';
import { type AnswerWaiter, LONGEST_WAIT_MS, type Watch } from './answer-waiter.ts';
import { turnWithSession } from './bodies.ts';
import { claimKey, readIdempotencyKey } from './idempotency.ts';
import type { Line } from './line/line.ts';
import { ENDED, type Progress } from './line/progress.ts';
import { readPreferWait } from './prefer.ts';

export interface SendOptions {
  /** Takes the question, or rejects with an error that the client may see. */
  accept: (question: NewQuestion) => Promise<AcceptedQuestion>;
  conversations: Pick<ConversationStore, 'turn'>;
  idempotencyKeys: IdempotencyKeys;
  answerWaiter: AnswerWaiter;
  logReader: Pick<AnswerLogReader, 'read'>;
  streams: EventStreams;
  /** How long `Prefer: wait` may hold a reply, at most. */
  maxWaitMs: number;
  /** The line that new questions join. */
  line: Pick<Line, 'admit' | 'ended' | 'progress'>;
  /** The models that a question may choose. */
  allowedModels: readonly string[];
}

/**
 * POST /chat/send: takes a question and replies 202, or 200 with the answer if the client waits and the answer comes in
 * time. If the client accepts only server-sent events, or prefers them, the reply is the stream of the answer's events.
 */
export function sendMessage(options: SendOptions): RequestHandler {
  const { accept, conversations, idempotencyKeys, answerWaiter, logReader, streams } = options;
  const { maxWaitMs, allowedModels, line } = options;

  return async (req, res) => {
    const { userId } = req.user!;
    const body = parse(sendBody, req.body);
    const { message, sessionId: chosen, model, priority = 'interactive', cache = true } = body;
    const newSession = chosen === undefined || body.newSession === true;
    mustBeAllowed(model, allowedModels);
    const key = readIdempotencyKey(req.get('Idempotency-Key'));
    const prefersEvents = req.accepts(['application/json', 'text/event-stream']) === 'text/event-stream';
    const waitSeconds = prefersEvents ? undefined : readPreferWait(req.get('Prefer'), maxWaitMs);
    // Whoever has too many streams is told so before the question is accepted.
    const events = prefersEvents ? streams.open(res, userId) : undefined;

    const newIds = { sessionId: chosen ?? randomUUID(), requestId: randomUUID() };
    const { ids, repeated } =
      key === undefined
        ? { ids: newIds, repeated: false }
        : await claimKey(idempotencyKeys, { userId, key, meaning: meaningOf(body), ids: newIds });
    const { sessionId, requestId } = ids;
    Object.assign(res.locals, { requestId, sessionId });
    let shown: Promise<void> | undefined;
    const progressOf = async (turn: Turn | undefined): Promise<Progress> => {
      const createdAt = turn?.createdAt ?? new Date().toISOString();
      return (await line.progress([{ requestId, createdAt }]))[0]!;
    };
    // The session belongs to the user: its id is new, or this user got it for this key before.
    const readTurn = async () => {
      await shown;
      return await conversations.turn(sessionId, requestId);
    };

    const waitMs = events ? LONGEST_WAIT_MS : waitSeconds && waitSeconds * 1000;
    const watch = waitMs && (await answerWaiter.watch(requestId, waitMs));
    if (watch) res.once('close', () => watch.close());
    try {
      // If the first request with this key failed before the broker's confirm, its repeat is treated as the first.
      let turn = repeated ? await readTurn() : undefined;
      let admitted: Progress | undefined;
      if (!turn) {
        admitted = { ...JUST_QUEUED, ...line.admit(requestId) };
        const { traceparent, tracestate } = req;
        const chosenId = chosen !== undefined;
        const question = {
          requestId,
          sessionId,
          userId,
          message,
          newSession,
          chosenId,
          cache,
          model,
          priority,
          stream: events !== undefined || body.stream === true,
        };
        const accepted = await accept({ ...question, traceparent, tracestate, waits: !!watch }).catch(
          (error: unknown) => {
            line.ended(requestId);
            throw error;
          },
        );
        shown = accepted.shown;
        if (!repeated) turn = { sessionId, requestId, message, createdAt: accepted.createdAt, ...UNANSWERED };
      }
      const location = addressOf(req, `/chat/session/${sessionId}`);
      if (events && watch) {
        // Whoever resumes at another api at once must find the question there.
        await shown;
        // The second is where a reader resumes.
        const resumeAt = addressOf(req, `/chat/requests/${requestId}/events`);
        res.set({ Location: location, 'Content-Location': resumeAt });
        const answer = turn?.answer;
        const now = answer ? endedAs(answer) : (admitted ?? (await progressOf(turn)));
        events.begin();
        await events.send({ type: 'accepted', sessionId, requestId, ...now });
        await followAnswer(logReader, events, { requestId, after: -1, watch, answer, readTurn, idOf: String });
        return;
      }
      if (watch && !turn?.answer) {
        turn = await waitForAnswer(watch, turn, readTurn);
        if (!turn) throw new ApiError('session_not_found', ERASED_MEANWHILE);
      }

      res.set('Location', location);
      if (watch) res.set('Preference-Applied', `wait=${waitSeconds}`);
      if (watch && turn?.answer) res.json(turnWithSession(turn));
      else {
        await shown;
        // The client has waited, so it is told where the question is now.
        const known = watch ? undefined : admitted;
        const now = turn?.answer ? endedAs(turn.answer) : (known ?? (await progressOf(turn)));
        res.status(202).json({ sessionId, requestId, ...now } satisfies Accepted);
      }
    } finally {
      if (watch) watch.close();
    }
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

function mustBeAllowed(model: string | undefined, allowed: readonly string[]): void {
  if (model === undefined || allowed.includes(model)) return;
  throw new ApiError('validation_failed', {
    errors: [{ path: 'model', message: `must be one of: ${allowed.join(', ')}` }],
  });
}

/** Returns the turn once it has ended, or as it is when the waiting ends; undefined: it was erased meanwhile. */
async function waitForAnswer(
  watch: Watch,
  asked: Turn | undefined,
  readTurn: () => Promise<Turn | undefined>,
): Promise<Turn | undefined> {
  for (let news = await watch.news(); news; news = await watch.news()) {
    const turn = asked && news !== 'look' ? { ...asked, answer: answerOf(news) } : await readTurn();
    if (!turn || turn.answer) return turn;
  }
  return await readTurn();
}

const ERASED_MEANWHILE = { detail: 'The conversation was erased before there was an answer.' };

const UNANSWERED = { answer: null, feedback: null };

const JUST_QUEUED = { status: 'queued', attempts: 0, retry: null } as const;

const endedAs = ({ status, attempts }: Answer) => ({ status, attempts, retry: null, ...ENDED });
