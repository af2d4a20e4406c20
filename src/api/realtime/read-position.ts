import type { Request } from 'express';
import { ApiError } from '../../contracts/errors.ts';
import { limits } from '../../contracts/limits.ts';

/** How far a reader has come: the number of the last event that it has. -1: it has none. */
const NUMBER = /^(?:-1|\d{1,15})$/;

/**
 * Reads where a reader wants to resume, from the header `Last-Event-ID`, or else from `?after=`. A browser that connects
 * again by itself sends the header, and its address is still the one that it began with.
 * @throws ApiError validation_failed
 */
export function readPosition(req: Request): number {
  const { given, path } = positionOf(req);
  if (given === undefined) return -1;
  if (!NUMBER.test(given)) throw badPosition(path, 'must be the number of an event, or -1');
  return Number(given);
}

/** As `readPosition`, for a stream whose ids name the question as well: `requestId:number`. */
export function readPositionInSession(req: Request): { requestId: string; after: number } | undefined {
  const { given, path } = positionOf(req);
  if (given === undefined || given === '-1') return undefined;
  const colon = given.lastIndexOf(':');
  const number = given.slice(colon + 1);
  if (colon < 1 || colon > limits.idChars || !NUMBER.test(number)) {
    throw badPosition(path, 'must be the id of an event, which is `requestId:number`');
  }
  return { requestId: given.slice(0, colon).toLowerCase(), after: Number(number) };
}

export const positionInSession = (requestId: string, number: number) => `${requestId}:${number}`;

function positionOf(req: Request): { given: string | undefined; path: string } {
  const header = req.get('Last-Event-ID');
  if (header) return { given: header, path: 'Last-Event-ID' };
  const { after } = req.query;
  if (after === undefined || after === '') return { given: undefined, path: 'after' };
  if (typeof after !== 'string') throw badPosition('after', 'must be given once');
  return { given: after, path: 'after' };
}

const badPosition = (path: string, message: string) =>
  new ApiError('validation_failed', { errors: [{ path, message }] });
