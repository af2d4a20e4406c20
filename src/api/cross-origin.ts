import cors from 'cors';
import type { RequestHandler } from 'express';

/** The headers of a reply that a page of another site may read. */
const EXPOSED_HEADERS = [
  'Content-Location',
  'Location',
  'Preference-Applied',
  'RateLimit',
  'RateLimit-Policy',
  'Retry-After',
  'WWW-Authenticate',
];
/** The headers that such a page may send: those that we read, and those that libraries add by themselves. */
const ALLOWED_HEADERS = [
  'Authorization',
  'Content-Type',
  'Idempotency-Key',
  'Last-Event-ID',
  'Prefer',
  'traceparent',
  'tracestate',
  'baggage',
  'sentry-trace',
  'X-Requested-With',
];
const ALLOWED_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];
/** How long a browser remembers what is allowed. Chromium remembers it for two hours at most. */
const MAX_AGE_SECONDS = 600;

/**
 * Lets pages of these origins use the API (CORS). Cookies are never allowed, so no page can act for a visitor whose
 * token it does not have.
 * @param origins exact ones such as `https://app.example.com`; a single `*` means all
 */
export function allowOrigins(origins: readonly string[]): RequestHandler {
  if (origins.length === 0) return (_req, _res, next) => next();
  return cors({
    origin: origins.includes('*') ? '*' : [...origins],
    credentials: false,
    methods: ALLOWED_METHODS,
    allowedHeaders: ALLOWED_HEADERS,
    exposedHeaders: EXPOSED_HEADERS,
    maxAge: MAX_AGE_SECONDS,
  });
}
