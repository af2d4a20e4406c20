import { type DestinationStream, type Logger, pino } from 'pino';
import { HealifyError } from '../contracts/errors.ts';
import { safeMessage } from '../contracts/safe-message.ts';
import { isError, serializeError } from './serialize-error.ts';

export type { Logger } from 'pino';

/**
 * Writes JSON lines to standard output. Log ids and codes: no line may contain a message's text, a token or a URL's
 * password. Errors anywhere in a line are written by `serializeError`.
 * @param destination left out: standard output
 */
export function createLogger(process: 'api' | 'worker', level: string, destination?: DestinationStream): Logger {
  const options = { ...logOptions, level, base: { process } };
  return destination ? pino(options, destination) : pino(options);
}

/** How lines are made. Every logger uses this. */
export const logOptions = {
  timestamp: pino.stdTimeFunctions.isoTime,
  redact: ['req.headers.authorization', 'req.headers.cookie', 'res.headers["set-cookie"]'],
  serializers: { err: (error: unknown) => serializeError(error) },
  hooks: {
    // Otherwise pino would use the error's message as the line's message.
    logMethod([first, ...rest], method) {
      const error = isError(first) ? first : (first as { err?: unknown } | undefined)?.err;
      if (rest.length > 0 || !isError(error)) method.apply(this, [first, ...rest] as never);
      else method.call(this, (isError(first) ? { err: first } : first) as object, safeMessage(error));
    },
  },
  formatters: {
    level: (label: string) => ({ level: label }),
    log: (line: Record<string, unknown>) => {
      for (const key in line) if (key !== 'err' && isError(line[key])) return withoutErrors(line);
      return line;
    },
  },
} satisfies pino.LoggerOptions;

const withoutErrors = (line: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(line).map(([key, value]) => [key, isError(value) ? serializeError(value) : value]));

/** What a log line says about an error. Only an unforeseen error is logged with its stack. */
export const describeError = (error: unknown) =>
  error instanceof HealifyError ? { code: error.code, reason: error.message } : { err: error };
