import { type Logger, pino } from 'pino';

interface Line {
  level: number;
  msg: string;
  [field: string]: unknown;
}

/** A logger whose lines can be read, from level debug on. */
export function captureLog(): { logger: Logger; lines: Line[]; said: (message: string) => Line[] } {
  const lines: Line[] = [];
  return {
    logger: pino({ level: 'debug' }, { write: (line) => lines.push(JSON.parse(line)) }),
    lines,
    /** The lines with this message. */
    said: (message) => lines.filter(({ msg }) => msg.includes(message)),
  };
}
