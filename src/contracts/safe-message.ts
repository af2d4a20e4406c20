import { types } from 'node:util';
import { cutText } from './cut-text.ts';
import { HealifyError } from './errors.ts';

const MAX_CHARS = 300;

/**
 * Returns an error's message for the log, without secrets. The message of a library may quote a question, a key or a
 * URL with its password. Our own errors never quote anything, so they stay as they are. Of JavaScript's own errors,
 * only messages that are known to quote nothing are kept. Everything that may be a quotation is removed from all
 * others.
 * @returns '' if nothing is left
 */
export function safeMessage(error: unknown): string {
  if (!(error instanceof Error || types.isNativeError(error))) return '';
  return cutText(messageOf(error).replaceAll(/\s+/g, ' ').trim(), MAX_CHARS);
}

function messageOf(error: Error): string {
  if (error instanceof HealifyError || error.name === 'UnreadableMessage') return error.message;
  const { code, syscall, address, hostname, port } = error as NodeJS.ErrnoException & {
    address?: string;
    hostname?: string;
    port?: number;
  };
  if (typeof syscall === 'string') return systemMessage({ syscall, code, where: address ?? hostname, port });
  if (isOfTheLanguage(error)) return HARMLESS.test(error.message) ? error.message : '';
  if (/ZodError$/.test(error.name)) return issueCodes(error);
  // The error of an HTTP client quotes what the server wrote.
  if (typeof (error as { status?: unknown }).status === 'number')
    return `HTTP ${(error as { status?: unknown }).status}`;
  return withoutValues(error.message, argumentsOf(error));
}

const systemMessage = (at: {
  syscall: string;
  code: string | undefined;
  where: string | undefined;
  port: number | undefined;
}) =>
  [at.syscall.split(' ', 1)[0], at.code, at.where && `${at.where}${at.port ? `:${at.port}` : ''}`]
    .filter(Boolean)
    .join(' ');

const isOfTheLanguage = ({ name }: Error) =>
  ['TypeError', 'RangeError', 'ReferenceError', 'SyntaxError', 'URIError', 'EvalError'].includes(name);

/** Messages of JavaScript's own errors that name parts of a program only. */
const HARMLESS =
  /^(Cannot (read|set) properties of (undefined|null)( \((reading|setting) '[\w$.-]{1,60}'\))?|[\w$.()[\]]{1,80} is not (a function|defined|iterable|a constructor|an object)|Cannot access '[\w$]{1,60}' before initialization|Assignment to constant variable\.|Invalid (array|string) length|Invalid (URL|time value)|Maximum call stack size exceeded|URI malformed|fetch failed|terminated)$/;

const issueCodes = (error: Error) => {
  const { issues } = error as { issues?: { code?: unknown }[] };
  return Array.isArray(issues) ? [...new Set(issues.map((issue) => String(issue.code)))].join(', ') : '';
};

const URL_LIKE = /\b[a-z][a-z\d+.-]*:\/\/\S+/gi;
/** Quoted names that are not secret: of a Redis command, of one of our queues, and of a queue's argument. */
const NAMED = /\b(the|arg|queue) '((?<=the ')[a-z|]{2,40}|x-[a-z-]{1,40}|chat_[a-z_.]{1,40})'(?= (command|for|in)\b)/g;
const QUOTE = /["'`“”‘’«»]/;
/** A server that quotes a command quotes only the beginning of its arguments. */
const ARGUMENTS_LOOKED_AT = 50;
const ARGUMENT_CHARS = 1_000;

/** Removes URLs, words from the arguments, and everything after a quotation mark. */
function withoutValues(message: string, args: readonly string[]): string {
  const plain = cutText(message, 2 * MAX_CHARS)
    .replaceAll(URL_LIKE, '…')
    // amqplib puts RabbitMQ's whole message in quotation marks.
    .replace(/ with message "/, ': ')
    .replaceAll(NAMED, '$1 $2')
    // The apostrophe in a word such as "isn't" quotes nothing.
    .replaceAll(/(n)'(t )/g, '$1\0$2');
  const quoteAt = plain.search(QUOTE);
  const said = (quoteAt < 0 ? plain : `${plain.slice(0, quoteAt)}…`).replaceAll('\0', "'");
  if (args.length === 0) return said;
  const [code = '', ...words] = said.split(' ');
  const argumentWords = new Set(args.flatMap((arg) => arg.split(/\W+/)));
  const wasArgument = (word: string) => word.length > 2 && argumentWords.has(word);
  return [code, ...words.map((each) => each.replaceAll(/\w+/g, (word) => (wasArgument(word) ? '…' : word)))].join(' ');
}

/** The arguments of the failed command. ioredis adds them to its errors. */
function argumentsOf(error: Error): string[] {
  const { command } = error as { command?: { args?: unknown } };
  if (!Array.isArray(command?.args)) return [];
  return command.args.slice(0, ARGUMENTS_LOOKED_AT).map((arg) => String(arg).slice(0, ARGUMENT_CHARS));
}
