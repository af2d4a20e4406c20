import express, { type Request, type Response, Router } from 'express';
import type { Registry } from 'prom-client';
import { type HttpServer, listen } from './http-server.ts';

/** `/metrics` in the Prometheus text format. */
export function createMetricsRouter(registry: Registry): Router {
  const router = Router();
  router.get('/metrics', async (_req: Request, res: Response) => {
    res.set('Content-Type', registry.contentType).send(await registry.metrics());
  });
  return router;
}

/** Serves `/metrics` on a port of its own, which need not be public. */
export function startMetricsServer(options: { host: string; port: number; registry: Registry }): Promise<HttpServer> {
  const app = express().disable('x-powered-by').use(createMetricsRouter(options.registry));
  return listen(app, options);
}
