import { setTimeout as sleep } from 'node:timers/promises';
import { createAccessTokens } from '../src/api/auth/access-tokens.ts';
import type { Accepted, Session } from '../src/contracts/http.ts';
import type { Question } from './questions.ts';
import { JWT_SECRET } from './stack.ts';

/** What one asker saw. */
export interface Seen {
  question: Question;
  sessionId?: string;
  requestId?: string;
  /** Tries that were refused, or got no answer at all. */
  refused: number;
  /** The first terminal state that was seen, and when, ms. */
  first?: { status: string; response: string | null; at: number };
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
const tokenOf = (userId: string) => {
  const token = tokens.get(userId) ?? accessTokens.sign({ userId, role: 'user' }, 'chaos');
  tokens.set(userId, token);
  return token;
};

/** Asks as a client should: with an Idempotency-Key, again and again until the question is accepted. */
export async function ask(apiUrl: string, seen: Seen, signal: AbortSignal): Promise<void> {
  const { key, userId, text } = seen.question;
  for (;;) {
    const accepted = await call<Accepted>(`${apiUrl}/chat/send`, userId, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'Idempotency-Key': key },
      body: JSON.stringify({ message: text }),
    });
    if (accepted) {
      seen.sessionId = accepted.sessionId;
      seen.requestId = accepted.requestId;
      return;
    }
    seen.refused++;
    signal.throwIfAborted();
    await sleep((0.5 + Math.random()) * Math.min(RETRY_MAX_MS, RETRY_MS * 2 ** seen.refused));
  }
}

/** Looks for the answer until it is there. */
export async function watch(apiUrl: string, seen: Seen, signal: AbortSignal): Promise<void> {
  for (let waitMs = RETRY_MS; !signal.aborted; waitMs = Math.min(POLL_MAX_MS, waitMs * 1.5)) {
    await sleep(waitMs);
    const session = await look(apiUrl, seen);
    const turn = session?.turns.find(({ requestId }) => requestId === seen.requestId);
    if (turn && turn.status !== 'queued') {
      seen.first = { status: turn.status, response: turn.response, at: Date.now() };
      return;
    }
  }
}

/** The session as its user sees it now; undefined while the api cannot say. */
export const look = (apiUrl: string, { sessionId, question }: Seen) =>
  call<Session>(`${apiUrl}/chat/session/${sessionId}`, question.userId);

async function call<T>(url: string, userId: string, init: RequestInit = {}): Promise<T | undefined> {
  try {
    const headers = { ...(init.headers as Record<string, string>), Authorization: `Bearer ${await tokenOf(userId)}` };
    const response = await fetch(url, { ...init, headers, signal: AbortSignal.timeout(REPLY_TIMEOUT_MS) });
    const body = (await response.json()) as T;
    if (response.ok) return body;
    if (response.status === 503 || response.status === 429) return undefined;
  } catch {
    // The api is away, or was killed within its answer.
    return undefined;
  }
  throw new Error(`${init.method ?? 'GET'} ${new URL(url).pathname}: an answer that no outage explains`);
}
