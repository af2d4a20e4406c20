import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Request, RequestHandler, Response } from 'express';
import type { Logger } from 'pino';
import { pinoHttp } from 'pino-http';
import { traceIdOf } from '../contracts/traceparent.ts';
import { clientAddress } from './client-address.ts';

/**
 * Logs one line for each request: method, path, status, time, the client's address, and the ids that other lines have as
 * well. A line never has a body, a query or a header. Health probes are not logged.
 */
export function logRequests(logger: Logger): RequestHandler {
  return pinoHttp<Request & IncomingMessage>({
    logger,
    wrapSerializers: false,
    serializers: {
      req: (req: Request) => ({ method: req.method, path: req.originalUrl.split('?', 1)[0] }),
      res: (res: ServerResponse) => ({ status: res.statusCode }),
    },
    autoLogging: { ignore: (req) => req.url.startsWith('/health') },
    customProps: (req) => ({ traceId: traceIdOf(req.traceparent), clientAddress: clientAddress(req) }),
    customSuccessObject: (req, res, { responseTime }) => ({ ...idsOf(req, res), res, responseTime }),
    // A 503 was already logged, with its reason.
    customLogLevel: (_req, res) => (res.statusCode >= 500 && res.statusCode !== 503 ? 'error' : 'info'),
    customErrorObject: (req, res, _error, { responseTime }) => ({ ...idsOf(req, res), res, responseTime }),
    customErrorMessage: () => 'request failed',
  });
}

/**
 * The ids that are not known when the request comes. `customProps` has added the `traceId` already; a second one would repeat
 * the key.
 */
export const idsOf = (req: Request, res: ServerResponse) => {
  const { requestId, sessionId } = (res as Response).locals;
  return {
    ...(req.user && { userId: req.user.userId }),
    ...(requestId && { requestId }),
    ...(sessionId && { sessionId }),
  };
};
