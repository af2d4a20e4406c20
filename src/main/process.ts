import { ConfigError } from '../contracts/errors.ts';
import { safeMessage } from '../contracts/safe-message.ts';
import type { Logger } from '../observability/log.ts';
import { isError } from '../observability/serialize-error.ts';

/**
 * Reads the settings. If they are wrong, prints everything that is wrong and ends the process.
 * @param load loadApiConfig or loadWorkerConfig
 */
export function readConfig<T>(load: (env: NodeJS.ProcessEnv) => T): T {
  try {
    return load(process.env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\nSee docs/configuration.md and .env.example.\n`);
    process.exit(1);
  }
}

/**
 * Redirects to the log everything that would otherwise be written to the process's output: Node prints an uncaught
 * error with all its properties, which may be secret, and libraries write to the console. Call this before anything
 * starts.
 */
export function logEverything(logger: Logger): void {
  const crash = (error: unknown) => {
    logger.fatal({ err: error }, 'an uncaught error');
    process.exit(1);
  };
  process.on('uncaughtException', crash);
  process.on('unhandledRejection', crash);

  const write = (level: 'info' | 'warn') => {
    return (...parts: unknown[]) => {
      const error = parts.find(isError);
      const text = safeMessage(error ?? new Error(parts.filter((part) => typeof part === 'string').join(' ')));
      logger[level]({ text, ...(error && { err: error }) }, 'a library wrote to the console');
    };
  };
  Object.assign(console, { log: write('info'), info: write('info'), warn: write('warn'), error: write('warn') });
}

/** How much longer than the grace period a shutdown may take. After that, the process is ended anyway. */
const OVERTIME_MS = 8_000;

/**
 * Runs `stop` at the first SIGTERM or SIGINT. The process exits with 0 when `stop` is done. It exits with 1 if `stop`
 * fails, takes much longer than the grace period, or a second SIGINT comes.
 */
export function stopOnSignal(options: { stop: () => Promise<void>; graceMs: number; logger: Logger }): void {
  const { stop, graceMs, logger } = options;
  let stopping = false;

  const shutdown = (signal: NodeJS.Signals) => {
    if (stopping) {
      if (signal === 'SIGINT') process.exit(1);
      return;
    }
    stopping = true;
    logger.info({ signal, graceMs }, 'stopping');
    setTimeout(() => {
      logger.error('did not stop in time');
      process.exit(1);
    }, graceMs + OVERTIME_MS).unref();
    stop().then(
      () => {
        logger.info('stopped');
        process.exit(0);
      },
      (error) => {
        logger.error({ err: error }, 'could not stop cleanly');
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', shutdown);
  process.on('SIGINT', shutdown);
}
