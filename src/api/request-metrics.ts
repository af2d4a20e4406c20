import type { RequestHandler } from 'express';
import { traceIdOf } from '../contracts/traceparent.ts';
import type { ApiMetrics } from '../observability/metrics.ts';
import type { FindRoute } from './route-index.ts';

/** nginx's status for a request whose caller disconnected before the reply. */
const CALLER_GONE = 499;

/** Measures how long requests take, by route, and counts those that the api refuses. */
export function measureRequests(
  metrics: Pick<ApiMetrics, 'httpDuration' | 'requestsLimited' | 'requestsRefused'>,
  findRoute: FindRoute,
): RequestHandler {
  return (req, res, next) => {
    const startedAt = performance.now();
    const { method, path } = req;
    res.once('close', () => {
      const route = findRoute(path)?.pattern ?? groupOf(path);
      const known = METHODS.has(method) ? method : 'other';
      const { streamBeganAt } = res.locals;
      // A stream is replied to once it has begun. How long it lasts is up to the answer and its reader.
      const status = res.writableFinished || streamBeganAt ? res.statusCode : CALLER_GONE;
      const seconds = ((streamBeganAt ?? performance.now()) - startedAt) / 1000;
      metrics.httpDuration.observe({ method: known, route, status }, seconds, traceIdOf(req.traceparent));
      const { problemCode } = res.locals;
      if (problemCode === 'rate_limited') metrics.requestsLimited.inc({ route });
      if (problemCode && method === 'POST' && route === '/chat/send')
        metrics.requestsRefused.inc({ code: problemCode });
    });
    next();
  };
}

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** The group of a path that is not documented. Callers may invent any path, so all unknown paths share one name. */
const groupOf = (path: string) => /^\/(admin|docs)(?=\/|$)/.exec(path)?.[0] ?? 'other';
