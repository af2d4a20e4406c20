import { z } from 'zod';
import { api, both, setting, worker } from '../setting.ts';
import { duration, integer, text } from '../value-types.ts';

export const general = {
  nodeEnv: setting({
    env: 'NODE_ENV',
    type: z.enum(['production', 'development', 'test'], 'must be production, development or test'),
    default: 'production',
    unit: 'name',
    text: 'In production JWT_SECRET (or JWT_JWKS_URL) and OPENAI_API_KEY are required, and the model simulator is never asked.',
    readBy: both,
  }),
  logLevel: setting({
    env: 'LOG_LEVEL',
    type: z.enum(
      ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
      'must be trace, debug, info, warn, error, fatal or silent',
    ),
    default: 'info',
    unit: 'name',
    text: 'The least severe log lines that are written.',
    readBy: both,
  }),
  host: setting({
    env: 'HOST',
    type: text(255),
    default: '0.0.0.0',
    unit: 'address',
    text: 'The address that the HTTP servers listen on.',
    readBy: both,
  }),
  apiPort: setting({
    env: 'API_PORT',
    type: integer(0, 65_535),
    default: '3000',
    unit: 'port',
    text: 'The port of the REST API.',
    readBy: api,
  }),
  workerPort: setting({
    env: 'WORKER_PORT',
    type: integer(0, 65_535),
    default: '3001',
    unit: 'port',
    text: "The port of the worker's health and metrics.",
    readBy: worker,
  }),
  apiMetricsPort: setting({
    env: 'API_METRICS_PORT',
    type: integer(0, 65_535),
    default: '9464',
    unit: 'port',
    text: "The port of the api's /metrics, which are kept off the public port.",
    readBy: api,
  }),
  workerMetricsPort: setting({
    env: 'WORKER_METRICS_PORT',
    type: integer(0, 65_535),
    default: '9465',
    unit: 'port',
    text: "A second port of the worker's /metrics.",
    readBy: worker,
  }),
  shutdownGraceMs: setting({
    env: 'SHUTDOWN_GRACE',
    type: duration({ max: '1h' }),
    default: '20s',
    unit: 'duration',
    text: 'How long a process that is told to stop may go on with the work that it has. After that it hands the rest back.',
    readBy: both,
  }),
} as const;
