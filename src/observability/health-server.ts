import express from 'express';
import type { Registry } from 'prom-client';
import { createHealthRouter, type HealthChecks } from './health.ts';
import { type HttpServer, listen } from './http-server.ts';
import { createMetricsRouter } from './metrics-server.ts';

/** Serves `/health` and `/metrics` for a process that serves nothing else. */
export function startHealthServer(options: {
  host: string;
  port: number;
  checks: HealthChecks;
  version: string;
  registry: Registry;
}): Promise<HttpServer> {
  const app = express()
    .disable('x-powered-by')
    .use(createHealthRouter(options))
    .use(createMetricsRouter(options.registry));
  return listen(app, options);
}
