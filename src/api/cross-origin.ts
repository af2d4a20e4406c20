import cors from 'cors';
import type { RequestHandler } from 'express';

/** What a page on another site may read of an answer, beyond its body. */
const EXPOSED_HEADERS = [
  'Location',
  'Preference-Applied',
  'RateLimit',
  'RateLimit-Policy',
  'Retry-After',
  'WWW-Authenticate',
];
/** What our API reads, and what libraries for tracing and for requests add by themselves. */
const ALLOWED_HEADERS = [
  'Authorization',
  'Content-Type',
  'Idempotency-Key',
  'Prefer',
  'traceparent',
  'tracestate',
  'baggage',
  'sentry-trace',
  'X-Requested-With',
];
const ALLOWED_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];
/** How long a browser need not ask again. Chromium remembers no longer than two hours. */
const MAX_AGE_SECONDS = 600;

/**
 * Lets pages of these origins use the API (CORS). Cookies are never allowed, so no page can act for a visitor whose token
 * it does not have.
 * @param origins exact ones such as `https://app.example.com`; `*` alone means all
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
