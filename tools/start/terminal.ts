import { prettyFactory } from 'pino-pretty';
import { prettyOptions } from '../../src/observability/terminal.ts';

export interface Terminal {
  say(text: string): void;
  problem(text: string): void;
  /** Says that something has begun. Returns a function that says that it is done, and how long it took. */
  doing(what: string): () => void;
  /** A line that a child process wrote. */
  childLine(name: string, line: string): void;
  /** Formats a child's log line for people. Other lines are returned unchanged. */
  readable(line: string): string;
}

const QUIET_LEVELS = new Set(['trace', 'debug', 'info']);

/** @param options.verbose shows every line of the children, not only warnings and errors */
export function createTerminal({ verbose }: { verbose: boolean }): Terminal {
  const pretty = prettyFactory({ ...prettyOptions, colorize: process.stdout.isTTY });
  const readable = (line: string) => (levelOf(line) === undefined ? line : String(pretty(line)).trimEnd());
  const say = (text: string) => void process.stdout.write(`${text}\n`);
  return {
    say,
    problem: (text) => void process.stderr.write(`\n${text}\n`),
    doing: (what) => {
      const startedAt = performance.now();
      say(`  ... ${what}`);
      return () => say(`  ok  ${what} (${((performance.now() - startedAt) / 1000).toFixed(1)} s)`);
    },
    childLine: (name, line) => {
      const level = levelOf(line);
      if (!verbose && (level === undefined || QUIET_LEVELS.has(level))) return;
      say(`${name.padEnd(9)}| ${readable(line)}`);
    },
    readable,
  };
}

/** Returns the level of a JSON line that pino wrote; undefined for any other line. */
function levelOf(line: string): string | undefined {
  try {
    return (JSON.parse(line) as { level?: string }).level;
  } catch {
    return undefined;
  }
}
