import type { Request } from 'express';
import { ApiError } from '../../contracts/errors.ts';
import { limits } from '../../contracts/limits.ts';

/** How far a reader has come: the number of the last event that it has. Empty or -1: it has none. */
export const POSITION = /^(?:-1|\d{1,15})?$/;
/** The same for a stream whose ids name the question as well: `requestId:number`. */
export const POSITION_IN_SESSION = new RegExp(`^(?:-1|.{1,${limits.idChars}}:(?:-1|\\d{1,15}))?$`);

/**
 * Reads where a reader wants to resume, from the header `Last-Event-ID`, or else from `?after=`. A browser that connects
 * again by itself sends the header, and its address is still the one that it began with.
 * @throws ApiError validation_failed
 */
export const readPosition = (req: Request): number =>
  Number(given(req, POSITION, 'must be the number of an event, or -1') ?? -1);

/** As `readPosition`, for a stream whose ids name the question as well. */
export function readPositionInSession(req: Request): { requestId: string; after: number } | undefined {
  const position = given(req, POSITION_IN_SESSION, 'must be the id of an event, which is `requestId:number`');
  if (position === undefined || position === '-1') return undefined;
  const colon = position.lastIndexOf(':');
  return { requestId: position.slice(0, colon).toLowerCase(), after: Number(position.slice(colon + 1)) };
}

export const positionInSession = (requestId: string, number: number) => `${requestId}:${number}`;

/** @returns undefined: the reader has no event */
function given(req: Request, form: RegExp, rule: string): string | undefined {
  const header = req.get('Last-Event-ID');
  const { after } = req.query;
  if (after !== undefined && typeof after !== 'string') throw badPosition('after', 'must be given once');
  if (after !== undefined && !form.test(after)) throw badPosition('after', rule);
  if (header !== undefined && !form.test(header)) throw badPosition('Last-Event-ID', rule);
  return header || after || undefined;
}

const badPosition = (path: string, message: string) =>
  new ApiError('validation_failed', { errors: [{ path, message }] });
