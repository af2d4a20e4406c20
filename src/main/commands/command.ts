import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import { HealifyError } from '../../contracts/errors.ts';
import { printable } from './printable.ts';

/** The command line is not understood. */
export class UsageError extends Error {}

export const textOption = { type: 'string' } as const;
export const flagOption = { type: 'boolean' } as const;
const help = { ...flagOption, short: 'h' } as const;

/**
 * Reads the command line; every command has `--help` as well.
 * @throws UsageError
 */
export function readArguments<T extends ParseArgsOptionsConfig>(options: T) {
  try {
    return parseArgs({ allowPositionals: true, options: { ...options, help } });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** Prints results as JSON, or as text for people. */
export const printer =
  (json: boolean | undefined) =>
  <T>(result: T, toText: (result: T) => string): void => {
    process.stdout.write(json ? `${JSON.stringify(result, null, 2)}\n` : toText(result));
  };

/**
 * Runs a command, and prints errors to stderr. The process exits with 0 if everything went well, with 1 if something
 * failed, and with `usageExitCode` if the command line was not understood.
 */
export function runCommand(main: () => Promise<void>, { usageExitCode = 2 } = {}): void {
  main().catch((error: unknown) => {
    const code = error instanceof HealifyError ? `${error.code}: ` : '';
    process.stderr.write(`${code}${printable(error instanceof Error ? error.message : String(error))}\n`);
    if (error instanceof UsageError) process.stderr.write('See --help.\n');
    process.exitCode = error instanceof UsageError ? usageExitCode : 1;
  });
}
