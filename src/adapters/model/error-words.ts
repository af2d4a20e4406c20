// The codes and sentences with which servers say what went wrong. For a new provider, add its words to the lists here,
// and a row with the provider's body to test/adapters/model/provider-bodies.test.ts.

/**
 * Each word in one spelling: `hasWordOf` treats `RateLimitExceeded` and `rate-limit-exceeded` as `rate_limit_exceeded`.
 */
const words = (...each: string[]): ReadonlySet<string> => new Set(each.map(plain));

const plain = (word: string) => word.toLowerCase().replaceAll(/[_\-.]/g, '');

/** Whether a server has used one of the known words. */
export const hasWordOf = (said: ReadonlySet<string>, known: ReadonlySet<string>): boolean =>
  [...said].some((word) => known.has(plain(word)));

/** The question or its answer was refused because of its content. */
export const REFUSED = words(
  'content_filter',
  'content_filtered',
  'content_policy_violation',
  'content_policy_violation_error',
  'moderation_blocked',
  'responsible_ai_policy_violation',
  'data_inspection_failed',
  'safety',
  'prohibited_content',
  'recitation',
  'blocklist',
  'image_safety',
  'spii',
);

/** The conversation is too long for the model. */
export const TOO_LONG = words(
  'context_length_exceeded',
  'context_window_exceeded',
  'context_window_exceeded_error',
  'prompt_too_long',
  'input_too_long',
  'exceed_context_size_error',
  'request_too_large',
  'tokens_limit_reached',
);

/** There were too many requests or tokens lately. */
export const RATE = words(
  'rate_limit_exceeded',
  'rate_limit_error',
  'rate_limited',
  'rate_limit_reached_error',
  'user_rate_limit_exceeded',
  'resource_exhausted',
  'throttling_exception',
  'throttled_exception',
  'throttling',
  'too_many_requests',
  'too_many_requests_exception',
  'request_limit_exceeded',
);

/** The provider refuses our key or its owner. */
export const KEY = words(
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
  'access_denied_exception',
  'expired_token_exception',
  'unrecognized_client_exception',
  'invalid_signature_exception',
  'unsupported_country_region_territory',
);

/** Our quota or credit is used up. */
export const QUOTA = words(
  'insufficient_quota',
  'quota_exceeded',
  'quota_exhausted',
  'exceeded_current_quota_error',
  'billing_hard_limit_reached',
  'billing_not_active',
  'billing_error',
  'budget_exceeded',
  'insufficient_balance',
  'insufficient_credits',
  'insufficient_funds',
  'arrearage',
);

/** The provider does not have the model. */
export const MODEL = words(
  'model_not_found',
  'model_not_available',
  'model_not_supported',
  'model_decommissioned',
  'unsupported_model',
  'unknown_model',
  'invalid_model',
  'deployment_not_found',
  'not_found_error',
);

// Sentences which say that the provider is broken for everybody. They count only at the beginning of a message. Further
// on, the message may quote a question.
export const QUOTA_TEXT =
  /^(your credit balance is too low|insufficient (balance|credits?|funds)|you exceeded your current quota|this request requires more credits|out of call volume quota|budget has been exceeded)/i;
export const KEY_TEXT =
  /^(api key not valid|incorrect api key|invalid api key|api key expired|invalid (api )?token|user location is not supported)/i;
export const MODEL_TEXT = /^(\S{0,40}: )?invalid model name passed in/i;

export const REFUSED_TEXT = /\b(moderation|flagged)\b/i;

/** A rate in tokens, as OpenAI and Groq report it: `Limit 6000, Used 5000, Requested 2000`. */
export const TOKEN_RATE_TEXT = /\btokens per (min|minute|hour|day)\b/i;

export const TOO_LONG_TEXT: readonly RegExp[] = [
  /maximum context length/i,
  /context[ _-]?(length|window|size|limit).{0,80}(exceed|too (long|large|small)|overflow|surpass)/i,
  /(exceed|overflow|larger than|longer than|greater than|surpass|beyond|outside)\w*.{0,60}context[ _-]?(length|window|size|limit)/i,
  /exceed\w*.{0,40}token limit/i,
  /(prompt|input|request|message|messages|conversation|text|query)( length)?( is| are| was|'s)? too (long|large|big)/i,
  /too many (input |prompt )?tokens/i,
  /(input|prompt|context|request|message)s?.{0,30}(tokens?|length|size).{0,80}(exceed|is greater than|is larger than|longer than)/i,
  /(maximum|range of) (prompt|input) length/i,
  /inputs?`? (tokens \+ .{0,40} must be <=|must have less than \d+ tokens)/i,
  /tokens?.{0,60}exceeds?.{0,60}(maximum|limit|allowed|context)/i,
  /(reduce|shorten) (the|your) (length|input|prompt|message|conversation)/i,
  /\d+ tokens? ?> ?\d+/i,
  /input.{0,40}(exceeds?|longer than).{0,60}(maximum|limit|allowed)/i,
];
