import { ReplyError } from 'ioredis';

/**
 * What an error of a Redis command means:
 * - `fault`: the command, the script or the data is wrong. It is our fault, and trying again does not help.
 * - `refusal`: the server cannot serve now. It is out of reach, full, read-only, moving, or denies a right.
 * - `unknown`: an error that is not in our lists. It counts as a refusal, because servers and proxies refuse in many
 *   different words, while a command can be wrong in only a few ways.
 */
export type ReplyVerdict = 'fault' | 'refusal' | 'unknown';

/** Redis before 7.0 puts this before the error of a command within a script. */
const SCRIPT_PREFIX = /^(ERR )?Error running script \(call to \w+\): */;
const SCRIPT_LINE = /^(@user_script: ?\d+: *)*-?/;

const FAULT =
  /^(WRONGTYPE |(ERR )?(user_script:\d+:|Error compiling script|syntax error|wrong number of arg|value is (not|out of range)|(min or max|hash value|weight value) is not|index out of range|invalid expire time|(increment|decrement) (or|would)|no such key))/i;

/** Lua's own error when the server has no memory left. It looks like an error of the script. */
const SCRIPT_WITHOUT_MEMORY = /not enough memory/;

const REFUSAL =
  /^(OOM|READONLY|LOADING|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|NOREPLICAS|MISCONF|BUSY|NOAUTH|WRONGPASS|NOPERM|UNBLOCKED|MOVED|ASK|CROSSSLOT|EXECABORT|NOSCRIPT|NOPROTO|DENIED|(ERR )?(max |unknown (sub)?command|Unknown Redis command|The user executing the script|ACL failure in script|operation not permitted|This instance has cluster|.*\b(limit|quota)\b))/i;

/** Removes from a command's error what older versions of Redis write around it if a script sent the command. */
const unwrapped = (message: string): string => message.replace(SCRIPT_PREFIX, '').replace(SCRIPT_LINE, '');

export function verdictOn(error: unknown): ReplyVerdict {
  if (!(error instanceof ReplyError)) return isProgrammingError(error) ? 'fault' : 'refusal';
  const { message, previousErrors } = error as Error & { previousErrors?: Error[] };
  // A transaction is discarded because of an earlier command in it.
  if (previousErrors?.length)
    return previousErrors.map(verdictOn).find((verdict) => verdict !== 'refusal') ?? 'refusal';
  const reply = unwrapped(message);
  if (SCRIPT_WITHOUT_MEMORY.test(reply)) return 'refusal';
  if (FAULT.test(reply)) return 'fault';
  return REFUSAL.test(reply) ? 'refusal' : 'unknown';
}

/** The class of all errors that ioredis makes itself. ioredis does not export it. */
const RedisError = Object.getPrototypeOf(ReplyError) as typeof Error;
/** ioredis's messages for no connection, or no answer. */
const CONNECTION_ERROR = /^(Connection is closed|Command timed out|Command aborted|Stream isn't writeable|Socket )/;

/** Whether an error from a library that uses Redis means that Redis is unavailable. */
export const saysUnavailable = (error: unknown): boolean =>
  (error instanceof RedisError || (error instanceof Error && CONNECTION_ERROR.test(error.message))) &&
  verdictOn(error) !== 'fault';

/** Why a server that answers refuses to write, in words that everybody may read. undefined: it does not. */
export function writeRefusal(error: unknown): string | undefined {
  if (!(error instanceof ReplyError) || verdictOn(error) !== 'refusal') return undefined;
  const reply = unwrapped((error as Error).message);
  if (reply.startsWith('OOM') || SCRIPT_WITHOUT_MEMORY.test(reply)) return 'no memory left, so it takes no writes';
  if (reply.startsWith('MISCONF')) return 'it cannot save to its disk, so it takes no writes';
  return 'it takes no writes; see the log';
}

/** Whether the server takes no writes, because another one is the primary now. */
export const isFromReplica = (error: Error): boolean => unwrapped(error.message).startsWith('READONLY');

/** Whether the server takes no writes, because its replicas are missing. They may follow another primary. */
export const saysReplicasAreMissing = (error: Error): boolean => unwrapped(error.message).startsWith('NOREPLICAS');

const isProgrammingError = (error: unknown) =>
  error instanceof TypeError ||
  error instanceof RangeError ||
  error instanceof ReferenceError ||
  error instanceof SyntaxError;
