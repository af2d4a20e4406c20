import type { RequestHandler } from 'express';
import { TRACEPARENT_HEADER } from '../contracts/queues.ts';
import { continueTrace } from '../contracts/traceparent.ts';

declare global {
  namespace Express {
    interface Request {
      /** W3C trace context: the caller's, or a new one. */
      traceparent: string;
    }
  }
}

/** Continues the caller's trace, or begins one. */
export const trace: RequestHandler = (req, _res, next) => {
  req.traceparent = continueTrace(req.get(TRACEPARENT_HEADER));
  next();
};
