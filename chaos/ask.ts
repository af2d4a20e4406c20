import { setTimeout as sleep } from 'node:timers/promises';
import { createAccessTokens } from '../src/api/auth/access-tokens.ts';
import type { Accepted, SessionBody, TurnBody, TurnWithSession } from '../src/contracts/http/chat-bodies.ts';
import type { Conversation, Question } from './questions.ts';
import { JWT_SECRET } from './stack.ts';

/** What one asker has seen of its question. */
export interface Seen {
  question: Question;
  sessionId?: string;
  requestId?: string;
  /** When it was accepted, ms. */
  acceptedAt?: number;
  /** When tries were refused, or got no reply, ms. */
  refusedAt: number[];
  /** Whether the api reported the question as cancelled. */
  toldCancelled: boolean;
  /** The first terminal state that was seen, and when, ms. */
  first?: { status: string; response: string | null; at: number };
}

/** Calls an api that is picked at random, as a load balancer does. */
export interface Asker {
  apiUrls: readonly string[];
  signal: AbortSignal;
  /** Replies that no outage explains. */
  odd: string[];
}

const REPLY_TIMEOUT_MS = 10_000;
const RETRY_MS = 300;
const RETRY_MAX_MS = 2_000;
const POLL_MAX_MS = 3_000;

const accessTokens = createAccessTokens({
  secret: JWT_SECRET,
  issuer: 'healify-chat',
  audience: 'healify-chat',
  ttlMs: 24 * 3_600_000,
});
const tokens = new Map<string, Promise<string>>();
export const tokenOf = (userId: string) => {
  const token = tokens.get(userId) ?? accessTokens.sign({ userId, role: 'user' }, 'chaos');
  tokens.set(userId, token);
  return token;
};

export const isTerminal = ({ status }: { status: string }) =>
  status === 'completed' || status === 'failed' || status === 'cancelled';

export const seenNothing = (conversation: Conversation): Seen[] =>
  conversation.map((question) => ({ question, refusedAt: [], toldCancelled: false }));

/** Asks the questions of a conversation in its session, each after the previous one has ended. */
export async function converse(asker: Asker, conversation: Seen[]): Promise<void> {
  let sessionId: string | undefined;
  for (const seen of conversation) {
    await ask(asker, seen, sessionId);
    sessionId = seen.sessionId;
    const { cancel } = seen.question;
    await Promise.all([watch(asker, seen), cancel && callOff(asker, seen, cancel)]);
    if (asker.signal.aborted) return;
  }
}

/** Asks as a client should: with an Idempotency-Key, again and again until the question is accepted. */
async function ask(asker: Asker, seen: Seen, continued: string | undefined): Promise<void> {
  const { key, userId, text, waitSeconds } = seen.question;
  while (!asker.signal.aborted) {
    const reply = await call<Accepted | TurnWithSession>(asker, '/chat/send', userId, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        'Idempotency-Key': key,
        ...(waitSeconds !== undefined && { Prefer: `wait=${waitSeconds}` }),
      },
      body: JSON.stringify({ message: text, ...(continued && { sessionId: continued }) }),
    });
    if (reply) {
      seen.sessionId = reply.sessionId;
      seen.requestId = reply.requestId;
      seen.acceptedAt = Date.now();
      if ('response' in reply) notice(seen, reply);
      return;
    }
    seen.refusedAt.push(Date.now());
    await sleep((0.5 + Math.random()) * Math.min(RETRY_MAX_MS, RETRY_MS * 2 ** seen.refusedAt.length));
  }
}

/** Reads the session until the answer is there. */
async function watch(asker: Asker, seen: Seen): Promise<void> {
  for (let waitMs = RETRY_MS; !seen.first && !asker.signal.aborted; waitMs = Math.min(POLL_MAX_MS, waitMs * 1.5)) {
    await sleep(waitMs);
    const session = await look(asker, { ...seen, userId: seen.question.userId });
    const turn = session?.turns.find(({ requestId }) => requestId === seen.requestId);
    if (turn) notice(seen, turn);
  }
}

/** Cancels a question. Repeats this until the api says how the question has ended. */
async function callOff(asker: Asker, seen: Seen, { afterMs, what }: NonNullable<Question['cancel']>): Promise<void> {
  await sleep(afterMs);
  if (seen.first) return;
  const path =
    what === 'session' ? `/chat/session/${seen.sessionId}/cancel` : `/chat/requests/${seen.requestId}/cancel`;
  while (!asker.signal.aborted) {
    const reply = await call<SessionBody | TurnWithSession>(asker, path, seen.question.userId, { method: 'POST' });
    if (reply) {
      const turn = 'turns' in reply ? reply.turns.find(({ requestId }) => requestId === seen.requestId) : reply;
      if (turn?.status === 'cancelled') seen.toldCancelled = true;
      if (turn) notice(seen, turn);
      return;
    }
    await sleep(RETRY_MS);
  }
}

function notice(seen: Seen, turn: Pick<TurnBody, 'status' | 'response'>): void {
  if (seen.first || !isTerminal(turn)) return;
  seen.first = { status: turn.status, response: turn.response, at: Date.now() };
}

/** The session as its user sees it now; undefined while the api cannot say. */
export const look = (asker: Asker, { sessionId, userId }: { sessionId?: string; userId: string }) =>
  call<SessionBody>(asker, `/chat/session/${sessionId}`, userId);

/** undefined while the api is away, or says that it is unavailable. */
export async function call<T>(
  asker: Asker,
  path: string,
  userId: string,
  init: RequestInit = {},
): Promise<T | undefined> {
  const apiUrl = asker.apiUrls[Math.floor(Math.random() * asker.apiUrls.length)]!;
  const method = init.method ?? 'GET';
  let response: Response;
  let body: unknown;
  try {
    const headers = { ...(init.headers as Record<string, string>), Authorization: `Bearer ${await tokenOf(userId)}` };
    response = await fetch(`${apiUrl}${path}`, { ...init, headers, signal: AbortSignal.timeout(REPLY_TIMEOUT_MS) });
    body = await response.json();
  } catch {
    // The api is away, or was killed while it replied.
    return undefined;
  }
  if (response.ok) return body as T;
  if (response.status !== 503 && response.status !== 429) {
    asker.odd.push(`${method} ${path}: ${response.status} ${JSON.stringify(body).slice(0, 300)}`);
    await sleep(RETRY_MAX_MS);
  }
  return undefined;
}
