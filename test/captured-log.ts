import { type Logger, pino } from 'pino';
import { logOptions } from '../src/observability/log.ts';

interface Line {
  level: string;
  msg: string;
  [field: string]: unknown;
}

/** A logger whose lines the test can read, from level debug on. */
export function captureLog(): { logger: Logger; lines: Line[]; said: (message: string) => Line[] } {
  const lines: Line[] = [];
  return {
    logger: pino({ ...logOptions, level: 'debug' }, { write: (line) => lines.push(JSON.parse(line)) }),
    lines,
    /** The lines with this message. */
    said: (message) => lines.filter(({ msg }) => msg.includes(message)),
  };
}
