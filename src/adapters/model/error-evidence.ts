import { jsonOf } from './lenient-json.ts';

/** What the body of an error says, whatever its shape: an object, a text, a list, or any of these within another. */
export interface ErrorEvidence {
  /** Short codes at the places where servers put them, in small letters: `code`, `type`, `status`, `reason`, `param`. */
  words: ReadonlySet<string>;
  /** HTTP statuses that the body names, outermost first. */
  statuses: readonly number[];
  /** Its longer texts. They may quote the question: nothing of them is ever passed on. */
  texts: readonly string[];
  /** What a server asks to wait for, in ms, if it says so in the body. */
  retryAfterMs: number | undefined;
}

const MAX_NODES = 500;
const MAX_DEPTH = 8;
const MAX_TEXT_CHARS = 4_000;
/** What a server repeats of our request, or of the answer. A user could write error codes into it. */
const REPEATED =
  /^(inputs?|messages|prompts?|contents?|request|request_?body|payload|query|question|flagged_?input|failed_?generation|partial_?\w+|completion|output)$/i;
const WORD = /^[\w.:/#-]{1,80}$/;
const CODE_FIELDS =
  /^(code|type|__type|status|status_?code|reason|param|error|error_?code|error_?type|loc|block_?reason|finish_?reason|quota_?id)$/i;
/** Where servers put sentences; what stands elsewhere may be anybody's words. */
const TEXT_FIELDS =
  /^(|message|msg|errors?|details?|description|title|reason|raw|body|cause|exception|error_?(message|msg|description|text)|err_?msg|status_?(msg|message|text))$/i;
/** The names of errors that libraries put before a message, as in `RateLimitError: OpenAIException - `. */
const ERROR_NAMES = /^(?:an error occurred \(\w+\)|(?:[\w.]{1,80}(?:Error|Exception)(?:: | - |$))+)/i;

/** Reads what can be known of an error. It takes any value, and never throws. */
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
    // Gateways put the body of the server behind them into a text.
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

/** The pause that a field names, in ms: Google's `"retryDelay": "34s"`, Hugging Face's `"estimated_time": 20.5`. */
function pauseOf(value: unknown, field: string): number | undefined {
  const isSeconds = /^(retry_?delay|retry_?after|estimated_time)$/i.test(field);
  if (!isSeconds && !/^retry_?after_?ms$/i.test(field)) return undefined;
  const given = typeof value === 'string' && /^\d+(\.\d+)?s?$/.test(value) ? Number.parseFloat(value) : value;
  if (typeof given !== 'number' || !Number.isFinite(given) || given < 0) return undefined;
  return isSeconds ? given * 1000 : given;
}
