import type { BrokenCause } from '../../contracts/errors.ts';
import type { ErrorEvidence } from './error-evidence.ts';
import {
  hasWordOf,
  KEY,
  KEY_TEXT,
  MODEL,
  MODEL_TEXT,
  QUOTA,
  QUOTA_TEXT,
  RATE,
  REFUSED,
  REFUSED_TEXT,
  TOKEN_RATE_TEXT,
  TOO_LONG,
  TOO_LONG_TEXT,
} from './error-words.ts';
import { type Answer, LIMIT_PARAMETERS, type LimitParameter, type Outcome, timedOut, unwell } from './outcome.ts';

/** A reply that is not an answer. */
export interface ErrorReply {
  /** The HTTP status. If it is 200 and the body names another status, that one. */
  status: number;
  evidence: ErrorEvidence;
  /** Whether the body is an HTML page. Then a proxy or firewall wrote it, and not the provider. */
  isPage: boolean;
  /** How long the provider asks us to wait, in ms. */
  pauseMs: number | undefined;
  /** Whether the model may have worked, so that the call may be charged. */
  charged: boolean;
}

/** Statuses below 500 which say that the server, or a proxy in front of it, has failed this one time. */
const UNWELL = new Set([200, 409, 421, 423, 424, 425, 444, 449, 460, 463, 498, 499]);

/**
 * Says what an error means. The status is not enough: servers use it differently, and gateways wrap the replies of
 * other servers. The order of the checks matters, because a reply may match several of them.
 */
export function classifyError(reply: ErrorReply): Exclude<Outcome, Answer> {
  const { status, evidence, pauseMs, charged } = reply;
  const detail = detailOf(status, evidence);
  if (isRefused(reply)) return { kind: 'refused' };
  const broken = brokenOf(reply);
  if (broken) return { kind: 'broken', ...broken, detail };
  if (isTooLong(reply)) return { kind: 'too long' };
  if (status === 408) return timedOut(`the provider did not answer in time (${detail})`);
  if (isRate(reply)) {
    return unwell('model_rate_limited', `the provider takes no more requests for now (${detail})`, { pauseMs });
  }
  if (status >= 500 || UNWELL.has(status) || reply.isPage) {
    return unwell('model_unavailable', `the provider is not available (${detail})`, { pauseMs, charged });
  }
  return { kind: 'wrong request', detail, parameter: refusedParameter(reply) };
}

function isRefused({ status, evidence: { words, texts } }: ErrorReply): boolean {
  if (hasWordOf(words, REFUSED)) return true;
  return (status === 400 || status === 403) && anyText(texts, REFUSED_TEXT);
}

/** Whether there are too many requests or tokens at present. The same request may be answered later. */
function isRate({ status, evidence: { words, texts }, isPage, pauseMs }: ErrorReply): boolean {
  if (status === 429 || status === 420 || hasWordOf(words, RATE)) return true;
  // A server that will always refuse does not say how long to wait.
  if (status === 403 && !isPage && pauseMs !== undefined) return true;
  return status === 413 && anyText(texts, TOKEN_RATE_TEXT);
}

function isTooLong(reply: ErrorReply): boolean {
  const { status, evidence } = reply;
  if (hasWordOf(evidence.words, TOO_LONG)) return true;
  if (isRate(reply)) return evidence.texts.some(exceedsWholeRate);
  if (status === 413) return true;
  if (status < 500 && ![200, 400, 422].includes(status)) return false;
  return TOO_LONG_TEXT.some((pattern) => anyText(evidence.texts, pattern));
}

/**
 * Whether the request alone has more tokens than the rate allows. Then it would never be answered, however long we
 * wait.
 */
function exceedsWholeRate(text: string): boolean {
  if (!/^request too large\b/i.test(text) || /\bused:? [\d,]+/i.test(text)) return false;
  const [, limit, requested] = /\blimit:? ([\d,]+).{0,40}\brequested:? ([\d,]+)/i.exec(text) ?? [];
  return limit !== undefined && requested !== undefined && numberOf(requested) > numberOf(limit);
}

const numberOf = (digits: string) => Number(digits.replaceAll(',', ''));

/**
 * Returns what is broken for everybody, if anything is. It is certain if the server names it, or refuses our key.
 * Otherwise the status may concern only this request.
 */
function brokenOf(reply: ErrorReply): { why: BrokenCause; certain: boolean } | undefined {
  const { status, evidence, isPage } = reply;
  const { words, texts } = evidence;
  if (hasWordOf(words, QUOTA)) return { why: 'quota', certain: true };
  if (status === 402) return { why: 'quota', certain: false };
  if (status < 500 && saysQuota(evidence)) return { why: 'quota', certain: false };
  if (status === 401 || status === 407) return { why: 'key', certain: true };
  if (status >= 500 || isRate(reply)) return undefined;
  if (hasWordOf(words, MODEL)) return { why: 'model', certain: true };
  if (hasWordOf(words, KEY) || anyText(texts, KEY_TEXT)) return { why: 'key', certain: true };
  if (anyText(texts, MODEL_TEXT)) return { why: 'model', certain: true };
  // A page with this status may come from a firewall that dislikes only this question.
  if (status === 403 && !isPage) return { why: 'key', certain: false };
  return [404, 405, 410].includes(status) ? { why: 'model', certain: false } : undefined;
}

/** Google also uses the word quota for rates. Only its daily quota counts as used up. */
function saysQuota({ words, texts }: ErrorEvidence): boolean {
  if (words.has('resource_exhausted')) return [...words].some((word) => word.includes('perday'));
  return anyText(texts, QUOTA_TEXT);
}

/** Phrases with which servers say that they do not know a parameter. */
const NOT_SUPPORTED =
  /unsupported|not supported|unrecognized|unknown|unexpected|not permitted|not allowed|extra (inputs?|fields?)|deprecated|does not support/i;
/** The parameter is looked for only at the beginning of a message. Further on, the message may quote the question. */
const NAMED_WITHIN_CHARS = 300;

function refusedParameter({ evidence: { words, texts } }: ErrorReply): LimitParameter | undefined {
  const beginnings = texts.map((text) => text.slice(0, NAMED_WITHIN_CHARS));
  const said =
    anyText(beginnings, NOT_SUPPORTED) || [...words].some((word) => NOT_SUPPORTED.test(word.replaceAll('_', ' ')));
  const isMissing = words.has('extra_forbidden');
  if (!said && !isMissing) return undefined;
  // The server may name the parameter in a field of its own. Otherwise, take the first parameter that its message
  // names.
  const named = LIMIT_PARAMETERS.find(
    (name) => words.has(name) || [...words].some((word) => word.endsWith(`.${name}`)),
  );
  return named ?? firstIn(beginnings.join('\n'));
}

const ANY_PARAMETER = new RegExp(`\\b(${LIMIT_PARAMETERS.join('|')})\\b`);

function firstIn(text: string): LimitParameter | undefined {
  return ANY_PARAMETER.exec(text)?.[0] as LimitParameter | undefined;
}

const anyText = (texts: readonly string[], pattern: RegExp) => texts.some((text) => pattern.test(text));

const VAGUE = new Set(['invalid_request_error', 'invalid_request', 'bad_request', 'server_error', 'api_error']);

/**
 * Returns what an operator reads: the status, and the first word that looks like an error code and not like a text or a
 * key.
 */
function detailOf(status: number, { words }: ErrorEvidence): string {
  const known = [...words].filter((each) => /^[a-z]+(_[a-z]+){1,5}$/.test(each));
  const word = known.find((each) => !VAGUE.has(each)) ?? known[0];
  return word ? `${status}, ${word}` : `${status}`;
}
