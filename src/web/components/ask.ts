import type { Problem } from '../../contracts/http/problem.ts';
import { presenceHeaders } from './presence.ts';

/** The API has refused a call. `message` says what the caller can do. */
export class RefusedError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, problem: Partial<Problem>) {
    const faults = problem.errors?.map(({ message }) => message).join('; ');
    super([problem.title, faults ?? problem.detail].filter(Boolean).join('. ') || `The API answered ${status}.`);
    this.status = status;
    this.code = problem.code ?? '';
  }
}

/** Nothing has answered in time. */
export class UnreachableError extends Error {}

const REPLY_TIMEOUT_MS = 15_000;

/** How far the server's clock is before ours, ms. */
let clockLeadMs = 0;

/** The present time by the server's clock, ms. Times in replies are compared with this one. */
export const serverNow = () => Date.now() + clockLeadMs;

/**
 * Calls the API and returns its JSON.
 * @param path relative to the page's address
 * @param options.body is sent with POST
 * @param options.timeoutMs how long to wait for the reply, 15 s if not said
 * @throws RefusedError, UnreachableError
 */
export async function ask<T>(
  path: string,
  options: { body?: object; signal?: AbortSignal; timeoutMs?: number } = {},
): Promise<T> {
  const { body, signal, timeoutMs = REPLY_TIMEOUT_MS } = options;
  const timeout = AbortSignal.timeout(timeoutMs);
  let response: Response;
  try {
    response = await fetch(path, {
      headers: {
        Accept: 'application/json',
        ...presenceHeaders(),
        ...(body && { 'Content-Type': 'application/json' }),
      },
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
      ...(body && { method: 'POST', body: JSON.stringify(body) }),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new UnreachableError('The API does not answer.');
  }
  const date = Date.parse(response.headers.get('Date') ?? '');
  // The header has whole seconds, and the reply took its time. A smaller difference says nothing.
  if (!Number.isNaN(date)) clockLeadMs = Math.abs(date - Date.now()) > 2_000 ? date - Date.now() : 0;
  const reply = (await response.json().catch(() => ({}))) as T;
  if (!response.ok) throw new RefusedError(response.status, reply as Partial<Problem>);
  return reply;
}
