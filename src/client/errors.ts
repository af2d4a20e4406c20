import type { Problem } from '../contracts/http/problem.ts';

/** Why a call failed: the api's code, or one of the client's own. */
export type FailureCode = Problem['code'] | 'connection_failed' | 'unreadable_reply';

/** A call of the client that failed. */
export class ChatError extends Error {
  override readonly name = 'ChatError';
  /** Stable, for programs. The api's codes are in docs/errors.md. `connection_failed`: no reply came. */
  readonly code: FailureCode;
  /** The HTTP status of the reply. undefined: no reply came. */
  readonly status: number | undefined;
  /** When to try again, in ms, if the api has said so. */
  readonly retryAfterMs: number | undefined;
  /** Whether the same call may succeed later. */
  readonly retryable: boolean;
  /** What is wrong with which field. */
  readonly fields: NonNullable<Problem['errors']>;

  /** @param message what the caller can do */
  constructor(
    code: FailureCode,
    message: string,
    reply: { status?: number; retryAfterMs?: number | undefined; fields?: Problem['errors']; cause?: unknown } = {},
  ) {
    super(message, { cause: reply.cause });
    this.code = code;
    this.status = reply.status;
    this.retryAfterMs = reply.retryAfterMs;
    this.fields = reply.fields ?? [];
    this.retryable =
      reply.status === undefined ? code === 'connection_failed' : reply.status === 429 || reply.status >= 500;
  }
}

/** Returns the error that a reply with a status of 400 or more stands for. */
export async function errorOf(reply: Response): Promise<ChatError> {
  const problem = ((await reply.json().catch(() => undefined)) ?? {}) as Partial<Problem>;
  const seconds = Number(reply.headers.get('retry-after') || Number.NaN);
  return new ChatError(problem.code ?? 'unreadable_reply', problem.detail ?? `The reply was ${reply.status}.`, {
    status: reply.status,
    retryAfterMs: Number.isFinite(seconds) ? seconds * 1_000 : undefined,
    fields: problem.errors,
  });
}
