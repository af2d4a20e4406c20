import { type Logger, pino } from 'pino';
import { HealifyError } from '../contracts/errors.ts';

export type { Logger } from 'pino';

/**
 * JSON lines on standard output. No line carries a message's text, a token or a URL's password: log ids and codes.
 */
export function createLogger(process: 'api' | 'worker', level: string): Logger {
  return pino({
    level,
    base: { process },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: ['req.headers.authorization', 'req.headers.cookie', 'res.headers["set-cookie"]'],
    formatters: { level: (label) => ({ level: label }) },
  });
}

/** What a log line says of an error: a stack only where nobody foresaw it. */
export const describeError = (error: unknown) =>
  error instanceof HealifyError ? { code: error.code, reason: error.message } : { err: error };
