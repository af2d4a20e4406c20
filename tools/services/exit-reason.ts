import { constants } from 'node:os';

/** If a signal ended a process, a shell returns this plus the signal's number as the exit code. */
const SIGNALED = 128;

const MEANING: Record<string, string> = {
  SIGKILL: 'it was killed from outside, by somebody or by the system because memory ran out',
  SIGTERM: 'somebody told it to stop',
  SIGINT: 'somebody told it to stop',
  SIGHUP: 'the terminal that it ran in was closed',
  SIGABRT: 'it aborted itself, as Node does when its own memory is full',
  SIGSEGV: 'a fault in native code',
  SIGBUS: 'a fault in native code, or a full disk',
};

/**
 * Says in words how a process ended: `exit code 137 (SIGKILL): it was killed from outside, ...`.
 * @param exitCode 128 and more for a signal; undefined if it is not known
 */
export function exitReason(exitCode: number | undefined): string {
  if (exitCode === undefined) return 'its exit code is not known';
  if (exitCode === 0) return 'exit code 0: somebody told it to stop, or it had nothing more to do';
  if (exitCode === 126 || exitCode === 127) return `exit code ${exitCode}: the program could not be run`;
  const signal = Object.entries(constants.signals).find(([, number]) => number === exitCode - SIGNALED)?.[0];
  if (signal === undefined) return `exit code ${exitCode}: it failed with an error`;
  return `exit code ${exitCode} (${signal}): ${MEANING[signal] ?? 'a signal ended it'}`;
}
