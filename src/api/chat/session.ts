import type { RequestHandler } from 'express';
import type { ConversationStore, SessionPage } from '../../adapters/conversations/conversation-store.ts';
import type { AuditTrail } from '../../contracts/audit.ts';
import { ApiError } from '../../contracts/errors.ts';
import { type SessionNow, sessionQuery } from '../../contracts/http/chat-bodies.ts';
import { senderOf } from '../audit.ts';
import { addressOf } from '../base-path.ts';
import { parse, parseId } from '../validate.ts';
import type { AnswerWaiter } from './answer-waiter.ts';
import { orBadCursor } from './bad-cursor.ts';
import { sessionBody } from './bodies.ts';
import type { SessionEraser } from './erase-session.ts';
import type { Line } from './line/line.ts';
import { ENDED } from './line/progress.ts';
import { readPreferWait } from './prefer.ts';
import { readProgress } from './turn-progress.ts';

export interface SessionOptions {
  conversations: Pick<ConversationStore, 'session' | 'turn'>;
  line: Pick<Line, 'progress'>;
  answerWaiter: Pick<AnswerWaiter, 'watch'>;
  /** How long `Prefer: wait` may hold a reply, at most. */
  maxWaitMs: number;
}

/** How many turns a page has if the client sets no `limit`. */
export const TURNS_SHOWN = 50;

/** GET /chat/session/:sessionId: a page of its turns. With `Prefer: wait` it replies once the latest turn has ended. */
export function getSession(options: SessionOptions): RequestHandler {
  const { conversations, line, answerWaiter, maxWaitMs } = options;
  return async (req, res) => {
    const sessionId = parseId(req.params.sessionId);
    const { userId } = req.user!;
    const { order, ...page } = parse(sessionQuery, req.query);
    const waitSeconds = readPreferWait(req.get('Prefer'), maxWaitMs);
    const read = async (): Promise<SessionPage> => {
      const found = await orBadCursor(conversations.session(sessionId, userId, page));
      if (!found) throw new ApiError('not_found');
      return found;
    };

    let found = await read();
    if (waitSeconds) {
      res.set('Preference-Applied', `wait=${waitSeconds}`);
      const { answer, requestId } = found.latest;
      if (!answer && (await hasEnded(requestId, waitSeconds * 1000))) found = await read();
    }
    const { turns, latest } = found;
    const progress = await readProgress(userId, page.cursor === undefined ? turns : [...turns, latest], line);
    const { position, etaMs } = progress.get(latest.requestId) ?? ENDED;
    const body = sessionBody(found, progress);
    if (order === 'newest') body.turns.reverse();
    res.json({ ...body, position, etaMs } satisfies SessionNow);

    /** Waits until the turn has ended, the time is over, or the client has gone. */
    async function hasEnded(requestId: string, waitMs: number): Promise<boolean> {
      const watch = await answerWaiter.watch(requestId, waitMs);
      res.once('close', () => watch.close());
      try {
        // There is no notice of a turn that ended before the watch began.
        let turn = await conversations.turn({ sessionId, requestId, userId });
        while (turn && !turn.answer) {
          const news = await watch.news();
          if (!news) return false;
          if (news !== 'look') return true;
          turn = await conversations.turn({ sessionId, requestId, userId });
        }
        return true;
      } finally {
        watch.close();
      }
    }
  };
}

/** DELETE /chat/session/:sessionId. `Location` is the receipt. */
export function deleteSession(eraser: Pick<SessionEraser, 'erase'>, trail: Pick<AuditTrail, 'note'>): RequestHandler {
  return async (req, res) => {
    const sessionId = parseId(req.params.sessionId);
    const { erasureId } = await eraser.erase(sessionId, req.user!.userId);
    const subject = { kind: 'session', id: sessionId } as const;
    trail.note({ action: 'session.erase', ...senderOf(req), subject, outcome: 'begun' });
    res
      .status(204)
      .location(addressOf(req, `/erasures/${erasureId}`))
      .end();
  };
}
