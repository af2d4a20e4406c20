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
/** What a server repeats of our request: whoever asks could write error codes into it. */
const REPEATED = /^(input|messages|prompt|content|request)$/i;
const WORD = /^[\w.:/-]{1,80}$/;
const CODE_FIELDS = /^(code|type|status|reason|param|error|error_?code|error_?type|loc|block_?reason|finish_?reason)$/i;

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
      words.add(value.toLowerCase());
      if (/^[45]\d\d$/.test(value)) statuses.push(Number(value));
      return;
    }
    if (/^retry_?delay$/i.test(field) && /^\d+(\.\d+)?s$/.test(value)) retryAfterMs = Number.parseFloat(value) * 1000;
    // Gateways put the body of whoever is behind them into a text.
    const inner = /^\s*[[{]/.test(value) ? jsonOf(value) : undefined;
    if (inner !== undefined) visit(inner, '', depth + 1);
    else texts.push(value.slice(0, MAX_TEXT_CHARS));
  };

  visit(body, '', 0);
  return { words, statuses, texts, retryAfterMs };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
