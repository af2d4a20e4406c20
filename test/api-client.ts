import { randomUUID } from 'node:crypto';
import type { HistoryPageBody, SessionBody, TurnWithSession } from '../src/contracts/http/chat-bodies.ts';
import type { Problem } from '../src/contracts/http/problem.ts';

/** All fields that some answer has. A test looks at those that it expects. */
export interface Reply {
  status: number;
  headers: Headers;
  body: TurnWithSession & Omit<SessionBody, 'status'> & HistoryPageBody & Omit<Problem, 'status'>;
}

const REPLY_TIMEOUT_MS = 20_000;

/** Sends a request and reads its answer, which must come within 20 s. */
export async function call(url: string, init: RequestInit = {}): Promise<Reply> {
  const response = await fetch(url, { signal: AbortSignal.timeout(REPLY_TIMEOUT_MS), ...init });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) };
}

export const postJson = (url: string, body: unknown, headers: Record<string, string> = {}) =>
  sendJson('POST', url, body, headers);

const sendJson = (method: string, url: string, body: unknown, headers: Record<string, string>) =>
  call(url, {
    method,
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });

/** Makes an account, and returns its credentials. */
export async function register(url: string) {
  const credentials = { email: `${randomUUID()}@example.com`, password: 'three-brown-otters' };
  const made = await postJson(`${url}/auth/register`, credentials);
  // An api of an earlier version says 201.
  if (made.status !== 202 && made.status !== 201) throw new Error(`register: ${JSON.stringify(made.body)}`);
  return credentials;
}

/** Somebody with an account, who is logged in. */
export async function signUp(url: string) {
  const credentials = await register(url);
  const login = await postJson(`${url}/auth/login`, credentials);
  const { userId, accessToken } = login.body as unknown as { userId: string; accessToken: string };
  return userWith(url, userId, accessToken);
}

/** Somebody who has a token of the API at `url`. */
export function userWith(url: string, userId: string, accessToken: string) {
  const authorization = { Authorization: `Bearer ${accessToken}` };
  const get = (path: string, headers: Record<string, string> = {}) =>
    call(url + path, { headers: { ...authorization, ...headers } });
  return {
    userId,
    accessToken,
    get,
    post: (path: string, body: unknown = {}) => postJson(url + path, body, authorization),
    put: (path: string, body: unknown) => sendJson('PUT', url + path, body, authorization),
    patch: (path: string, body: unknown) => sendJson('PATCH', url + path, body, authorization),
    delete: (path: string, body?: unknown) =>
      body === undefined
        ? call(url + path, { method: 'DELETE', headers: authorization })
        : sendJson('DELETE', url + path, body, authorization),
    send: (body: unknown, headers: Record<string, string> = {}) =>
      postJson(`${url}/chat/send`, body, { ...authorization, ...headers }),
    session: (sessionId: string) => get(`/chat/session/${sessionId}`),
    history: (query = '') => get(`/chat/history/${userId}${query}`),
    /** The same person at another replica. */
    at: (otherUrl: string) => userWith(otherUrl, userId, accessToken),
  };
}

export type TestUser = ReturnType<typeof userWith>;
