import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Request, RequestHandler, Response } from 'express';
import type { Logger } from 'pino';
import { pinoHttp } from 'pino-http';
import { traceIdOf } from '../contracts/traceparent.ts';

/**
 * One line for each request: method, path, status and time, and the ids that tie it to other lines. Never a body, a
 * query or a header. Probes are left out.
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
    customProps: (req) => ({ traceId: traceIdOf(req.traceparent) }),
    customSuccessObject: (req, res, { responseTime }) => ({ ...idsOf(req, res), res, responseTime }),
    // What is refused for now has a line of its own that says why.
    customLogLevel: (_req, res) => (res.statusCode >= 500 && res.statusCode !== 503 ? 'error' : 'info'),
    customErrorObject: (req, res, _error, { responseTime }) => ({ ...idsOf(req, res), res, responseTime }),
    customErrorMessage: () => 'request failed',
  });
}

/** What is known only once the request was looked at. The line has the `traceId` already, and JSON knows a key once. */
const idsOf = (req: Request, res: ServerResponse) => {
  const { requestId } = (res as Response).locals;
  return { ...(req.user && { userId: req.user.userId }), ...(requestId && { requestId }) };
};
