import express, { type Express, type RequestHandler, type Router } from 'express';
import helmet from 'helmet';
import type { Logger } from 'pino';
import { ApiError } from '../contracts/errors.ts';
import type { Tracer } from '../contracts/tracer.ts';
import type { ApiMetrics } from '../observability/metrics.ts';
import { BASE_PATH_SETTING, serveUnder } from './base-path.ts';
import { allowOrigins } from './cross-origin.ts';
import { createOpenApiDocument } from './docs/openapi.ts';
import { createDocsRouter } from './docs/routes.ts';
import { readJsonBody } from './json-body.ts';
import { answerWithProblem } from './problem.ts';
import { logRequests } from './request-log.ts';
import { measureRequests } from './request-metrics.ts';
import { type FindRoute, indexRoutes } from './route-index.ts';
import { trace } from './trace.ts';

export interface AppOptions {
  /** The product's version, for the documents. */
  version: string;
  /** How many reverse proxies are before the API. */
  trustProxy: number;
  /** The path prefix that clients see, without a slash at its end. */
  basePath?: string;
  /** The other sites whose pages may use the API; see allowOrigins. */
  corsOrigins?: readonly string[];
  health: Router;
  /** The pages that run in a browser. */
  pages?: Router;
  /** The admin's pages. They read their own bodies. */
  admin: Router;
  /** undefined if an identity provider has the accounts. */
  accounts: Router | undefined;
  /** Reads a form, so it comes before what reads JSON. undefined: there is none. */
  backChannel?: Router | undefined;
  chat: Router;
  metrics: Pick<ApiMetrics, 'httpDuration' | 'requestsLimited' | 'requestsRefused'>;
  tracer?: Tracer | undefined;
  logger: Logger;
}

/** Builds the REST API: puts its parts into their order. */
export function createApp(options: AppOptions): Express {
  const {
    version,
    trustProxy,
    basePath = '',
    corsOrigins = [],
    health,
    pages,
    admin,
    accounts,
    backChannel,
    chat,
    metrics,
    tracer,
    logger,
  } = options;
  const document = createOpenApiDocument({
    version,
    accounts: accounts !== undefined,
    oidc: backChannel !== undefined,
    basePath,
  });
  const findRoute = indexRoutes(document);
  const app = express();
  app.disable('x-powered-by').disable('etag').set('trust proxy', trustProxy).set(BASE_PATH_SETTING, basePath);
  const refuseOthers = refuseUnknown(findRoute);

  app.use(serveUnder(basePath), trace(tracer, findRoute));
  app.use(logRequests(logger), measureRequests(metrics, findRoute), strictHeaders);
  if (pages) app.use(pages);
  // The admin's pages come before CORS, so that no other site can ever use them.
  app.use('/admin', noStore, admin, refuseOthers);
  app.use(allowOrigins(corsOrigins));
  app.use(health);
  app.use(createDocsRouter(document));
  app.use(noStore);
  if (backChannel) app.use(backChannel);
  app.use(readJsonBody);
  if (accounts) app.use(accounts);
  app.use(chat);
  app.use(refuseOthers);
  app.use(answerWithProblem);
  return app;
}

/** The policy for replies that are not pages. Each page sets its own policy. */
const strictHeaders = helmet({
  contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
});

/** The replies are personal, so no cache may keep them. */
const noStore: RequestHandler = (_req, res, next) => {
  res.set('Cache-Control', 'no-store');
  next();
};

const refuseUnknown =
  (findRoute: FindRoute): RequestHandler =>
  (req, res, next) => {
    const route = findRoute(req.baseUrl + req.path);
    if (!route || route.methods.includes(req.method)) return next(new ApiError('not_found'));
    res.set('Allow', route.methods.join(', '));
    next(new ApiError('method_not_allowed'));
  };
