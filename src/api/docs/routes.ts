import { Router } from 'express';
import helmet from 'helmet';
import swaggerUi from 'swagger-ui-express';
import { type ApiErrorCode, apiErrors } from '../../contracts/error-codes.ts';
import { ApiError } from '../../contracts/errors.ts';
import { addressOf } from '../base-path.ts';
import { problemPath } from '../problem.ts';
import { createAsyncApiDocument } from './asyncapi.ts';
import { createMessageSchemas } from './message-schemas.ts';
import type { OpenApiDocument } from './openapi.ts';
import { readRunbooks } from './runbooks.ts';

/** Swagger UI needs more than the strict policy allows, but it loads everything from our own server. */
const swaggerPolicy = helmet.contentSecurityPolicy({
  useDefaults: false,
  directives: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'", "'unsafe-inline'"],
    imgSrc: ["'self'", 'data:'],
    connectSrc: ["'self'"],
    baseUri: ["'none'"],
    formAction: ["'none'"],
    frameAncestors: ["'none'"],
  },
});

/**
 * Serves `/openapi.json` and its page `/docs`, `/asyncapi.json`, the schemas of messages, what each problem means, and the
 * runbooks of the alerts.
 */
export function createDocsRouter(document: OpenApiDocument): Router {
  const router = Router();

  router.get('/openapi.json', (_req, res) => {
    res.json(document);
  });

  const asyncApi = createAsyncApiDocument({ version: document.info.version });
  router.get('/asyncapi.json', (_req, res) => {
    res.json(asyncApi);
  });

  const schemas: Record<string, object> = createMessageSchemas();
  router.get('/schemas/:name', (req, res) => {
    const { name } = req.params;
    if (!Object.hasOwn(schemas, name)) throw new ApiError('not_found');
    res.type('application/schema+json').send(JSON.stringify(schemas[name]));
  });

  router.get('/problems/:code', (req, res) => {
    const { code } = req.params;
    if (!Object.hasOwn(apiErrors, code)) throw new ApiError('not_found');
    const { title, status, advice } = apiErrors[code as ApiErrorCode];
    res.json({ type: addressOf(req, problemPath(code as ApiErrorCode)), code, title, status, detail: advice });
  });

  const runbooks = readRunbooks();
  router.get('/docs/runbooks/:file', (req, res) => {
    const text = runbooks.get(req.params.file);
    if (text === undefined) throw new ApiError('not_found');
    res.type('text/plain').send(text);
  });

  const page = Router().use(
    swaggerPolicy,
    swaggerUi.serve,
    swaggerUi.setup(undefined, {
      customSiteTitle: 'healify-chat API',
      customCss: '.swagger-ui .topbar { display: none }',
      swaggerOptions: { url: '../openapi.json', validatorUrl: null },
    }),
  );
  // The page itself would answer every method and every address.
  router.use('/docs', (req, res, next) => {
    if (req.method === 'GET' || req.method === 'HEAD') page(req, res, next);
    else next();
  });
  return router;
}
