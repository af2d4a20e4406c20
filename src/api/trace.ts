import type { Request, RequestHandler, Response } from 'express';
import { TRACEPARENT_HEADER, TRACESTATE_HEADER } from '../contracts/queues.ts';
import { continueTrace } from '../contracts/traceparent.ts';
import type { Span, Tracer } from '../contracts/tracer.ts';
import type { FindRoute } from './route-index.ts';

declare global {
  namespace Express {
    interface Request {
      /** W3C trace context of the request's span. If tracing is off: the caller's, or a new one. */
      traceparent: string;
      /** What the caller's tracing systems have noted. */
      tracestate?: string | undefined;
    }
  }
}

/** Continues the caller's trace, or begins one. Health probes have no span. */
export function trace(tracer: Tracer | undefined, findRoute: FindRoute): RequestHandler {
  return (req, res, next) => {
    const received = req.get(TRACEPARENT_HEADER);
    const context = continueTrace(received, req.get(TRACESTATE_HEADER));
    req.tracestate = context.tracestate;
    if (!tracer || req.path.startsWith('/health')) req.traceparent = context.traceparent;
    else
      req.traceparent = startServerSpan(tracer, {
        req,
        res,
        received,
        route: findRoute(req.path)?.pattern,
      }).traceparent;
    next();
  };
}

/** Starts the span of a request, which ends with the reply, or when the caller goes away. */
function startServerSpan(
  tracer: Tracer,
  {
    req,
    res,
    received,
    route,
  }: { req: Request; res: Response; received: string | undefined; route: string | undefined },
): Span {
  // Node refuses methods that it does not know, so there are few.
  const { method } = req;
  const span = tracer.start({
    name: route === undefined ? method : `${method} ${route}`,
    kind: 'server',
    parent: received,
    attributes: { 'http.request.method': method, ...(route !== undefined && { 'http.route': route }) },
  });
  res.once('close', () => {
    const { requestId, problemCode } = res.locals;
    if (requestId) span.set({ 'healify.request.id': requestId });
    if (res.writableFinished) span.set({ 'http.response.status_code': res.statusCode });
    if (!res.writableFinished) span.fail('caller_gone');
    else if (res.statusCode >= 500) span.fail(problemCode ?? String(res.statusCode));
    span.end();
  });
  return span;
}
