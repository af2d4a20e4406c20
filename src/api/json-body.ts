import { isUtf8 } from 'node:buffer';
import express, { type RequestHandler } from 'express';
import { ApiError } from '../contracts/errors.ts';
import { limits } from '../contracts/limits.ts';

/** `application/json`, `text/json`, `application/problem+json` and so on, with whatever parameters. */
const JSON_TYPE = /^(?:application\/(?:[\w.!#$&^-]+\+)?json|text\/json)\s*(?:[;,]|$)/i;
const CHARSET = /;\s*charset\s*=\s*["']?([^\s;,"']*)/i;
const UTF8 = new Set(['utf-8', 'utf8', 'us-ascii', 'ascii']);
const LATIN1 = new Set(['iso-8859-1', 'latin1', 'iso_8859-1', 'windows-1252', 'cp1252']);

const readBytes = express.raw({ limit: limits.httpBodyBytes, type: () => true });

/**
 * Reads a JSON object or array into `req.body`. Without a body, `req.body` stays undefined. JSON is UTF-8, with or
 * without a byte order mark. A body whose header says Latin-1 is read as Latin-1 unless it is UTF-8.
 * Refuses with unsupported_media_type, malformed_json or payload_too_large.
 */
export const readJsonBody: RequestHandler = (req, res, next) => {
  const hasBody = req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length']) > 0;
  if (!hasBody) return next();
  const contentType = req.headers['content-type'] ?? '';
  const charset = (CHARSET.exec(contentType)?.[1] || 'utf-8').toLowerCase();
  if (!JSON_TYPE.test(contentType) || !(UTF8.has(charset) || LATIN1.has(charset))) {
    return next(new ApiError('unsupported_media_type'));
  }
  readBytes(req, res, (error?: unknown) => {
    if (error) return next(error);
    try {
      req.body = parseJson(req.body, charset);
    } catch (fault) {
      return next(fault);
    }
    next();
  });
};

function parseJson(body: Buffer | undefined, charset: string): unknown {
  if (!body?.length) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(textOf(body, charset));
  } catch {
    // The parser's message quotes what it parsed, so it is not passed on.
    throw new ApiError('malformed_json');
  }
  if (typeof value !== 'object' || value === null) throw new ApiError('malformed_json');
  return value;
}

function textOf(body: Buffer, charset: string): string {
  if (isUtf8(body)) return new TextDecoder().decode(body);
  if (LATIN1.has(charset)) return new TextDecoder('windows-1252').decode(body);
  throw new Error('the body is not UTF-8');
}
