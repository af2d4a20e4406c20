import { hash, timingSafeEqual } from 'node:crypto';
import express, { type Request, type RequestHandler, type Response, Router } from 'express';
import type { Registry } from 'prom-client';
import { type HttpServer, listen, type ServerTls } from './http-server.ts';
import { createOpenMetricsWriter } from './open-metrics.ts';

/**
 * Serves `/metrics` on a port of its own, so that it does not have to be public: in the OpenMetrics format, with exemplars, to
 * those who accept it, otherwise in the Prometheus text format.
 * @param options.token callers must send it as a bearer token, or get 401; left out, everybody may read
 */
export function startMetricsServer(options: {
  host: string;
  port: number;
  tls?: ServerTls | undefined;
  registry: Registry;
  token?: string | undefined;
}): Promise<HttpServer> {
  const { registry, token } = options;
  const openMetrics = createOpenMetricsWriter(registry);
  const router = Router();
  if (token !== undefined) router.use(requireToken(token));
  router.get('/metrics', async (req: Request, res: Response) => {
    const [contentType, text] = prefersOpenMetrics(req.get('Accept') ?? '')
      ? [openMetrics.contentType, await openMetrics.write()]
      : [registry.contentType, await registry.metrics()];
    res.set({ 'Content-Type': contentType, Vary: 'Accept', 'Cache-Control': 'no-store' }).send(text);
  });
  const app = express().disable('x-powered-by').disable('etag').use(router);
  return listen(app, options);
}

/**
 * Whether a caller would rather have OpenMetrics. Prometheus names versions and escapings as parameters of the types, and each
 * release of it names others, so only the types are compared.
 */
function prefersOpenMetrics(accept: string): boolean {
  const weights = new Map<string, number>();
  for (const range of accept.toLowerCase().split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim());
    const weight = Number(parameters.find((each) => each.startsWith('q='))?.slice(2) ?? 1) || 0;
    weights.set(type, Math.max(weights.get(type) ?? 0, weight));
  }
  const asText = weights.get('text/plain') ?? weights.get('text/*') ?? weights.get('*/*') ?? 0;
  return (weights.get('application/openmetrics-text') ?? 0) > asText;
}

/** Digests have the same length, so comparing them takes the same time whatever was sent. */
function requireToken(token: string): RequestHandler {
  const expected = digest(token);
  return (req, res, next) => {
    const sent = /^Bearer +(.+)$/i.exec(req.get('Authorization') ?? '')?.[1];
    if (sent !== undefined && timingSafeEqual(digest(sent), expected)) next();
    else res.status(401).set('WWW-Authenticate', 'Bearer').type('text').send('A bearer token is required.\n');
  };
}

const digest = (text: string) => hash('sha256', text, 'buffer');
