import express from 'express';
import { createHealthRouter, type HealthChecks } from './health.ts';
import { type HttpServer, listen, type ServerTls } from './http-server.ts';

/** Serves `/health` for a process that serves nothing else on this port. */
export function startHealthServer(options: {
  host: string;
  port: number;
  tls?: ServerTls | undefined;
  checks: HealthChecks;
  started?: Promise<unknown>;
  version: string;
}): Promise<HttpServer> {
  return listen(express().disable('x-powered-by').use(createHealthRouter(options)), options);
}
