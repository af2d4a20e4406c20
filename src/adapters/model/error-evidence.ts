import { jsonOf } from './lenient-json.ts';

/**
 * What the body of an error says. The body may be an object, a list or a text. Each of these may contain the others.
 */
export interface ErrorEvidence {
  /** Short codes in small letters, from the fields where servers put them: `code`, `type`, `status`, `reason`, `param`. */
  words: ReadonlySet<string>;
  /** HTTP statuses that the body names. The outermost comes first. */
  statuses: readonly number[];
  /** Longer texts. They may quote the question, so they are only searched, and never passed on. */
  texts: readonly string[];
  /** How long the server asks us to wait, in ms, if the body says so. */
  retryAfterMs: number | undefined;
}

const MAX_NODES = 500;
const MAX_DEPTH = 8;
const MAX_TEXT_CHARS = 4_000;
/**
 * Fields in which servers repeat our request or the answer. They are not read, because a user could write error codes
 * there.
 */
const REPEATED =
  /^(inputs?|messages|prompts?|contents?|request|request_?body|payload|query|question|flagged_?input|failed_?generation|partial_?\w+|completion|output)$/i;
const WORD = /^[\w.:/#-]{1,80}$/;
const CODE_FIELDS =
  /^(code|type|__type|status|status_?code|reason|param|error|error_?code|error_?type|loc|block_?reason|finish_?reason|quota_?id)$/i;
/** Fields in which servers write sentences. Other fields may contain anybody's words, so they are not read. */
const TEXT_FIELDS =
  /^(|message|msg|errors?|details?|description|title|reason|raw|body|cause|exception|error_?(message|msg|description|text)|err_?msg|status_?(msg|message|text))$/i;
/** Names of errors that libraries put before a message, as in `RateLimitError: OpenAIException - `. */
const ERROR_NAMES = /^(?:an error occurred \(\w+\)|(?:[\w.]{1,80}(?:Error|Exception)(?:: | - |$))+)/i;

/** Reads the body of an error. Accepts any value and never throws. */
export function readErrorEvidence(body: unknown): ErrorEvidence {
  const words = new Set<string>();
  const statuses: number[] = [];
  const texts: string[] = [];
  let retryAfterMs: number | undefined;
  let nodes = 0;

  const visit = (value: unknown, field: string, depth: number): void => {
    nodes += 1;
    if (nodes > MAX_NODES || depth > MAX_DEPTH) return;
    retryAfterMs ??= pauseOf(value, field);
    if (typeof value === 'number') {
      if (Number.isInteger(value) && value >= 400 && value <= 599 && CODE_FIELDS.test(field)) statuses.push(value);
      else if (CODE_FIELDS.test(field)) words.add(String(value));
    } else if (typeof value === 'string') {
      readText(value, field, depth);
    } else if (Array.isArray(value)) {
      for (const each of value) visit(each, field, depth + 1);
    } else if (typeof value === 'object' && value !== null) {
      for (const [name, each] of Object.entries(value)) {
        if (!REPEATED.test(name)) visit(each, name, depth + 1);
      }
    }
  };

  const readText = (value: string, field: string, depth: number): void => {
    if (CODE_FIELDS.test(field) && WORD.test(value)) {
      words.add(value.slice(value.lastIndexOf('#') + 1).toLowerCase());
      if (/^[45]\d\d$/.test(value)) statuses.push(Number(value));
      return;
    }
    if (!TEXT_FIELDS.test(field)) return;
    // Gateways put the whole body of the server behind them into a text.
    const inner = /^\s*[[{]/.test(value) ? jsonOf(value) : undefined;
    if (inner !== undefined) {
      visit(inner, '', depth + 1);
      return;
    }
    const names = ERROR_NAMES.exec(value)?.[0] ?? '';
    for (const [name] of names.matchAll(/\w+(Error|Exception)/gi)) words.add(name.toLowerCase());
    texts.push(value.slice(names.length, names.length + MAX_TEXT_CHARS));
  };

  visit(body, '', 0);
  return { words, statuses, texts, retryAfterMs };
}

/**
 * Returns the pause that a field asks for, in ms: Google's `"retryDelay": "34s"`, Hugging Face's `"estimated_time":
 * 20.5`.
 */
function pauseOf(value: unknown, field: string): number | undefined {
  const isSeconds = /^(retry_?delay|retry_?after|estimated_time)$/i.test(field);
  if (!isSeconds && !/^retry_?after_?ms$/i.test(field)) return undefined;
  const given = typeof value === 'string' && /^\d+(\.\d+)?s?$/.test(value) ? Number.parseFloat(value) : value;
  if (typeof given !== 'number' || !Number.isFinite(given) || given < 0) return undefined;
  return isSeconds ? given * 1000 : given;
}
