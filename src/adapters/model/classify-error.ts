import type { BrokenCause } from '../../contracts/errors.ts';
import type { ErrorEvidence } from './error-evidence.ts';
import { type Answer, type LimitParameter, type Outcome, timedOut, unwell } from './outcome.ts';

/** What is known of a reply that is no answer. */
export interface ErrorReply {
  /** Of HTTP, or the one that the body of a 200 names. */
  status: number;
  evidence: ErrorEvidence;
  /** Whether it is a page for people: it was written by something before the provider. */
  isPage: boolean;
  pauseMs: number | undefined;
  /** Whether the model may have worked. */
  charged: boolean;
}

const REFUSED = new Set([
  'content_filter',
  'content_filtered',
  'content_policy_violation',
  'moderation_blocked',
  'responsibleaipolicyviolation',
  'data_inspection_failed',
  'datainspectionfailed',
  'safety',
  'prohibited_content',
  'recitation',
  'blocklist',
  'image_safety',
  'spii',
]);

const TOO_LONG = new Set([
  'context_length_exceeded',
  'context_window_exceeded',
  'contextwindowexceedederror',
  'prompt_too_long',
  'input_too_long',
  'exceed_context_size_error',
  'request_too_large',
]);

const KEY = new Set([
  'invalid_api_key',
  'incorrect_api_key',
  'api_key_invalid',
  'invalid_authentication',
  'invalid_authentication_error',
  'incorrect_api_key_error',
  'authentication_error',
  'unauthenticated',
  'account_deactivated',
  'access_terminated',
  'permission_denied',
  'permission_error',
  'unsupported_country_region_territory',
]);

const QUOTA = new Set([
  'insufficient_quota',
  'quota_exceeded',
  'quota_exhausted',
  'exceeded_current_quota_error',
  'billing_hard_limit_reached',
  'billing_not_active',
  'billing_error',
  'insufficient_balance',
  'insufficient_credits',
  'insufficient_funds',
  'arrearage',
]);

const MODEL = new Set([
  'model_not_found',
  'model_not_available',
  'model_not_supported',
  'model_decommissioned',
  'unsupported_model',
  'unknown_model',
  'invalid_model',
  'deploymentnotfound',
  'not_found_error',
]);

/** Only texts at the beginning of a message: further on it may quote a question. */
const QUOTA_TEXT =
  /^(your credit balance is too low|insufficient (balance|credits?|funds)|you exceeded your current quota|this request requires more credits)/i;
const KEY_TEXT = /^(api key not valid|incorrect api key|invalid api key|api key expired)/i;

const TOO_LONG_TEXT = [
  /maximum context length/i,
  /context[ _-]?(length|window|size|limit).{0,80}(exceed|too (long|large|small)|overflow|surpass)/i,
  /(exceed|overflow|larger than|longer than|surpass|beyond|outside)\w*.{0,60}context[ _-]?(length|window|size|limit)?/i,
  /(prompt|input|request|message|messages|conversation|text|query)( length)?( is| are| was|'s)? too (long|large|big)/i,
  /too many (input |prompt )?tokens/i,
  /(input|prompt|context|request|message)s?.{0,30}(tokens?|length|size).{0,80}(exceed|is greater than|is larger than|longer than)/i,
  /tokens?.{0,60}exceeds?.{0,60}(maximum|limit|allowed|context)/i,
  /(reduce|shorten) (the|your) (length|input|prompt|message|conversation)/i,
  /\d+ tokens? ?> ?\d+/i,
  /input.{0,40}(exceeds?|longer than).{0,60}(maximum|limit|allowed)/i,
];

/** The parameters that a model may refuse, in how its server may say it. */
const PARAMETERS: readonly LimitParameter[] = ['max_completion_tokens', 'max_tokens', 'temperature'];
const NOT_SUPPORTED =
  /unsupported|not supported|unrecognized|unknown|unexpected|not permitted|not allowed|extra (inputs?|fields?)|deprecated|does not support/i;

/** What an error means. Statuses alone do not say: servers differ, and gateways wrap each other's replies. */
export function classifyError(reply: ErrorReply): Exclude<Outcome, Answer> {
  const { status, evidence, pauseMs, charged } = reply;
  const detail = detailOf(status, evidence);
  if (isRefused(reply)) return { kind: 'refused' };
  const why = brokenCauseOf(reply);
  if (why) return { kind: 'broken', why, detail };
  if (isTooLong(reply)) return { kind: 'too long' };
  if (status === 408) return timedOut(`the provider did not answer in time (${detail})`);
  if (status === 429) {
    return unwell('model_rate_limited', `the provider takes no more requests for now (${detail})`, { pauseMs });
  }
  if (status === 409 || status === 425 || status >= 500 || reply.isPage) {
    return unwell('model_unavailable', `the provider is not available (${detail})`, { pauseMs, charged });
  }
  return { kind: 'wrong request', detail, parameter: refusedParameter(reply) };
}

function isRefused({ status, evidence: { words, texts } }: ErrorReply): boolean {
  if (anyOf(words, REFUSED)) return true;
  return status === 403 && anyText(texts, /\b(moderation|flagged)\b/i);
}

function isTooLong({ status, evidence: { words, texts } }: ErrorReply): boolean {
  if (anyOf(words, TOO_LONG) || status === 413) return true;
  // Of a rate in tokens, only what says that this one request is larger than the rate.
  if (status === 429) return anyText(texts, /^request too large\b/i);
  if (status < 500 && ![400, 413, 422].includes(status)) return false;
  return TOO_LONG_TEXT.some((pattern) => anyText(texts, pattern));
}

function brokenCauseOf({ status, evidence: { words, texts }, isPage }: ErrorReply): BrokenCause | undefined {
  if (anyOf(words, QUOTA) || status === 402 || (status < 500 && anyText(texts, QUOTA_TEXT))) return 'quota';
  if (status === 401 || (status < 500 && status !== 429 && (anyOf(words, KEY) || anyText(texts, KEY_TEXT))))
    return 'key';
  // A page that forbids may be a firewall's, and about this one question.
  if (status === 403 && !isPage) return 'key';
  if (status < 500 && status !== 429 && anyOf(words, MODEL)) return 'model';
  return [404, 405, 410].includes(status) ? 'model' : undefined;
}

function refusedParameter({ evidence: { words, texts } }: ErrorReply): LimitParameter | undefined {
  const said =
    anyText(texts, NOT_SUPPORTED) || [...words].some((word) => NOT_SUPPORTED.test(word.replaceAll('_', ' ')));
  const isMissing = words.has('extra_forbidden');
  if (!said && !isMissing) return undefined;
  // Named by the server's own field, else by the first one in its message.
  const named = PARAMETERS.find((name) => words.has(name) || [...words].some((word) => word.endsWith(`.${name}`)));
  return named ?? firstIn(texts.join('\n'));
}

function firstIn(text: string): LimitParameter | undefined {
  const match = /\b(max_completion_tokens|max_tokens|temperature)\b/.exec(text);
  return match?.[1] as LimitParameter | undefined;
}

const anyText = (texts: readonly string[], pattern: RegExp) => texts.some((text) => pattern.test(text));

const anyOf = (words: ReadonlySet<string>, known: ReadonlySet<string>) => [...words].some((word) => known.has(word));

const VAGUE = new Set(['invalid_request_error', 'invalid_request', 'bad_request', 'server_error', 'api_error']);

/** For an operator: the status, and the first code that is a word of the field's, not a text or a key. */
function detailOf(status: number, { words }: ErrorEvidence): string {
  const known = [...words].filter((each) => /^[a-z]+(_[a-z]+){1,5}$/.test(each));
  const word = known.find((each) => !VAGUE.has(each)) ?? known[0];
  return word ? `${status}, ${word}` : `${status}`;
}
