import { isUtf8 } from 'node:buffer';
import express, { type RequestHandler } from 'express';
import { ApiError } from '../contracts/errors.ts';
import { limits } from '../contracts/limits.ts';

const CONTENT_TYPE = /^application\/json\s*(?:;\s*charset\s*=\s*"?utf-?8"?\s*)?$/i;

const read = express.json({
  limit: limits.httpBodyBytes,
  type: () => true,
  verify: (_req, _res, body) => {
    if (!isUtf8(body)) throw new Error('the body is not UTF-8');
  },
});

/**
 * Reads a JSON object or array into `req.body`, which is undefined where there is no body.
 * Rejects with unsupported_media_type, malformed_json or payload_too_large, once they have passed the error handler.
 */
export const readJsonBody: RequestHandler = (req, res, next) => {
  const hasBody = req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length']) > 0;
  if (hasBody && !CONTENT_TYPE.test(req.headers['content-type'] ?? '')) {
    next(new ApiError('unsupported_media_type'));
    return;
  }
  read(req, res, next);
};
