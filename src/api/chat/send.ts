import type { RequestHandler } from 'express';
import type { AnswerLogReader } from '../../adapters/answer-log/answer-log.ts';
import { answerOf, type Turn } from '../../contracts/conversation.ts';
import { ApiError } from '../../contracts/errors.ts';
import { type Accepted, sendBody } from '../../contracts/http/chat-bodies.ts';
import { addressOf } from '../base-path.ts';
import { type EventStreams, readerOf } from '../realtime/event-streams.ts';
import { followAsked } from '../realtime/follow-asked.ts';
import { parse } from '../validate.ts';
import { type AnswerWaiter, LONGEST_WAIT_MS, type Watch } from './answer-waiter.ts';
import { type AskOptions, askQuestion, mustBeAllowed, nameQuestion } from './ask-question.ts';
import { turnWithSession } from './bodies.ts';
import { readIdempotencyKey } from './idempotency.ts';
import { readPreferWait } from './prefer.ts';

export interface SendOptions extends AskOptions {
  answerWaiter: AnswerWaiter;
  logReader: Pick<AnswerLogReader, 'read'>;
  streams: EventStreams;
  /** How long `Prefer: wait` may hold a reply, at most. */
  maxWaitMs: number;
}

/**
 * POST /chat/send: takes a question and replies 202, or 200 with the answer if the client waits and the answer comes in
 * time. If the client accepts only server-sent events, or prefers them, the reply is the stream of the answer's events.
 */
export function sendMessage(options: SendOptions): RequestHandler {
  const { answerWaiter, logReader, streams, maxWaitMs, allowedModels } = options;

  return async (req, res) => {
    const { userId, tenantId } = req.user!;
    const body = parse(sendBody, req.body);
    mustBeAllowed(body.model, allowedModels);
    const key = readIdempotencyKey(req.get('Idempotency-Key'));
    const prefersEvents = req.accepts(['application/json', 'text/event-stream']) === 'text/event-stream';
    const waitSeconds = prefersEvents ? undefined : readPreferWait(req.get('Prefer'), maxWaitMs);
    // Whoever has too many streams is told so before the question is accepted.
    const events = prefersEvents ? streams.open(res, req.user!) : undefined;

    const question = await nameQuestion(options, { userId, tenantId, body, key });
    const { sessionId, requestId } = question;
    Object.assign(res.locals, { requestId, sessionId });
    const waitMs = events ? LONGEST_WAIT_MS : waitSeconds && waitSeconds * 1000;
    const watch = waitMs && (await answerWaiter.watch(requestId, waitMs));
    if (watch) res.once('close', () => watch.close());
    // The client may have gone meanwhile.
    if (watch && res.closed) watch.close();
    try {
      const { traceparent, tracestate } = req;
      const stream = events !== undefined || body.stream === true;
      const asked = await askQuestion(options, question, { stream, waits: !!watch, traceparent, tracestate });
      const location = addressOf(req, `/chat/session/${sessionId}`);
      if (events && watch) {
        const onAccepted = (accepted: Accepted) => events.send({ type: 'accepted', ...accepted });
        const reader = readerOf(events, String);
        // The second is where a reader resumes.
        const resumeAt = addressOf(req, `/chat/requests/${requestId}/events`);
        await asked.shown;
        res.set({ Location: location, 'Content-Location': resumeAt });
        await followAsked(logReader, reader, { asked, watch, onAccepted });
        return;
      }
      let { turn } = asked;
      if (watch && !turn?.answer) {
        turn = await waitForAnswer(watch, turn, asked.readTurn);
        if (!turn) throw new ApiError('session_not_found', ERASED_MEANWHILE);
      }

      res.set('Location', location);
      if (watch) res.set('Preference-Applied', `wait=${waitSeconds}`);
      if (watch && turn?.answer) res.json(turnWithSession(turn));
      else {
        await asked.shown;
        const standing = await asked.standing(turn, !!watch);
        res.status(202).json({ sessionId, requestId, ...standing } satisfies Accepted);
      }
    } finally {
      if (watch) watch.close();
    }
  };
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
