import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import { HealifyError } from '../../contracts/errors.ts';
import { printable } from './printable.ts';

/** The command line is not understood, or names what does not exist. */
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

/**
 * Makes sure that each option that was given has a meaning for the command. Otherwise somebody might believe that it did something.
 * @throws UsageError
 */
export function mustBelong(command: string, given: object, allowed: readonly string[]): void {
  const odd = Object.keys(given).find((option) => option !== 'help' && !allowed.includes(option));
  if (odd) throw new UsageError(`--${odd} does not belong to ${command}`);
}

/** Prints results as JSON, or as text for people. */
export const printer =
  (json: boolean | undefined) =>
  <T>(result: T, toText: (result: T) => string): void => {
    process.stdout.write(json ? `${JSON.stringify(result, null, 2)}\n` : toText(result));
  };

/**
 * Runs a command, and prints errors to stderr. The process exits with 0 if everything went well, with 1 if something
 * failed, and with 2 if the command line was not understood, or names what does not exist.
 */
export function runCommand(main: () => Promise<void>): void {
  main().catch((error: unknown) => {
    const code = error instanceof HealifyError ? `${error.code}: ` : '';
    process.stderr.write(`${code}${printable(error instanceof Error ? error.message : String(error))}\n`);
    if (error instanceof UsageError) process.stderr.write('See --help.\n');
    process.exitCode = error instanceof UsageError ? 2 : 1;
  });
}
