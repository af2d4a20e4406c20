import type { DestinationStream } from 'pino';
import type { PrettyOptions } from 'pino-pretty';

/** How a line of the log looks to a person. */
export const prettyOptions = {
  translateTime: 'SYS:HH:MM:ss',
  ignore: 'pid,hostname,process',
  singleLine: true,
} satisfies PrettyOptions;

/**
 * Where the log goes if standard output is a terminal: a person reads it there.
 * @returns undefined: it is no terminal, or pino-pretty is not installed, as in the image. Then the log stays JSON
 */
export async function openTerminal(): Promise<DestinationStream | undefined> {
  if (!process.stdout.isTTY) return undefined;
  const pretty = await import('pino-pretty').catch(() => undefined);
  return pretty?.default({ ...prettyOptions, sync: true });
}
