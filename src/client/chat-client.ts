import type { NumberedEvent } from '../contracts/answer-events.ts';
import type { Feedback, FeedbackReason, Rating } from '../contracts/feedback.ts';
import type { Accepted, HistoryPageBody, SendBody, SessionNow } from '../contracts/http/chat-bodies.ts';
import type { Me } from '../contracts/http/me.ts';
import type { SessionSummary, SessionsPageBody } from '../contracts/http/session-bodies.ts';
import { readAnswer, type StreamOptions } from './answer-stream.ts';
import { readConnection } from './event-connection.ts';
import { createEventSocket } from './event-socket.ts';
import { createHttp, type TokenSource } from './http.ts';
import { randomKey } from './random-key.ts';

export type { AnswerEvent, NumberedEvent } from '../contracts/answer-events.ts';
export { isEnd, textAfter } from '../contracts/answer-text.ts';
export type { Connection, StreamOptions } from './answer-stream.ts';
export { ChatError } from './errors.ts';
export type { TokenSource } from './http.ts';

/** A question. Without `sessionId`, a new conversation begins. */
export type Question = Partial<SendBody> & Pick<SendBody, 'message'>;

export interface Page {
  /** `nextCursor` of the page before. */
  cursor?: string | undefined;
  /** Most items of the page, up to 100. */
  limit?: number;
}

export interface ChatClient {
  /**
   * Asks a question. It is tried again after a failure that may pass, and counts only once all the same.
   * @param options.idempotencyKey the same for each call that asks the same question. Left out: random
   */
  send(question: Question, options?: { idempotencyKey?: string; signal?: AbortSignal }): Promise<Accepted>;
  /**
   * Reads the events of an answer that was asked with `stream: true`, each exactly once, until its end. Connections that
   * are lost are made again. `textAfter` makes the text of them.
   */
  events(requestId: string, options?: StreamOptions): AsyncGenerator<NumberedEvent, void>;
  /** Stops a request. Its text so far is kept. A request that has ended stays as it is. */
  stop(requestId: string): Promise<void>;
  /** @returns the conversation, with a page of its turns: the newest ones, or those that `cursor` leads to */
  session(sessionId: string, page?: Page & { order?: 'oldest' | 'newest' }): Promise<SessionNow>;
  /** @returns the user's conversations, the one with the newest question first */
  sessions(page?: Page & { search?: string }): Promise<SessionsPageBody>;
  rename(sessionId: string, title: string): Promise<SessionSummary>;
  /** Erases a conversation, wherever it is kept. */
  erase(sessionId: string): Promise<void>;
  /** @returns the user's turns of all conversations, the newest first */
  history(userId: string, page?: Page): Promise<HistoryPageBody>;
  /** Says what the user thinks of an answer. It replaces what was said before. */
  rate(
    requestId: string,
    feedback: { rating: Rating; reason?: FeedbackReason | null; comment?: string | null },
  ): Promise<Feedback>;
  unrate(requestId: string): Promise<void>;
  me(): Promise<Me>;
}

/**
 * Talks with the api, from a browser or from Node. All methods reject with ChatError.
 * @param options.baseUrl where the api is. '' or left out: the page's own server
 * @param options.token the access token, or a function that gives it
 * @param options.transport how events come: `sse`, with a connection for each answer, or `websocket`, with one for all.
 * Left out: `sse`
 */
export function createChatClient(options: {
  baseUrl?: string;
  token: string | TokenSource;
  transport?: 'sse' | 'websocket';
  fetch?: typeof fetch;
}): ChatClient {
  const { transport = 'sse', baseUrl = '' } = options;
  const token = typeof options.token === 'string' ? () => options.token as string : options.token;
  const http = createHttp({ ...options, baseUrl, token });
  const socket = transport === 'websocket' ? createEventSocket({ baseUrl, token }) : undefined;
  const session = (sessionId: string) => `/chat/session/${encodeURIComponent(sessionId)}`;
  const request = (requestId: string) => `/chat/requests/${encodeURIComponent(requestId)}`;
  const get = <T>(path: string, query: object = {}) =>
    http.call<T>('GET', path, { query: { ...query } as Record<string, string>, retry: true });

  return {
    send: (question, { idempotencyKey = randomKey(), signal } = {}) =>
      http.call('POST', '/chat/send', {
        body: question,
        headers: { 'idempotency-key': idempotencyKey },
        signal,
        retry: true,
      }),
    events: (requestId, streamOptions) =>
      readAnswer(
        (after, read) =>
          socket
            ? socket.read(requestId, after, read)
            : readConnection(http, `${request(requestId)}/events`, after, read),
        streamOptions,
      ),
    stop: (requestId) => http.call('POST', `${request(requestId)}/cancel`, { retry: true }),
    session: (sessionId, page) => get(session(sessionId), page),
    sessions: (page) => get('/chat/sessions', page),
    rename: (sessionId, title) => http.call('PATCH', session(sessionId), { body: { title }, retry: true }),
    erase: (sessionId) => http.call('DELETE', session(sessionId), { retry: true }),
    history: (userId, page) => get(`/chat/history/${encodeURIComponent(userId)}`, page),
    rate: (requestId, feedback) => http.call('PUT', `${request(requestId)}/feedback`, { body: feedback, retry: true }),
    unrate: (requestId) => http.call('DELETE', `${request(requestId)}/feedback`, { retry: true }),
    me: () => get('/me'),
  };
}
