/** What the caller of the REST API can be told. `status` is the HTTP status; `advice` says what to do. */
export const apiErrors = {
  validation_failed: {
    status: 400,
    title: 'The request is not valid',
    advice: 'Correct the fields named in `errors` and send it again.',
  },
  malformed_json: {
    status: 400,
    title: 'The body is not valid JSON',
    advice: 'Send a JSON object, encoded as UTF-8.',
  },
  unauthenticated: {
    status: 401,
    title: 'Authentication is required',
    advice: 'Send `Authorization: Bearer <accessToken>` with a valid, unexpired token.',
  },
  invalid_credentials: {
    status: 401,
    title: 'Email or password is wrong',
    advice: 'Check both, or register first.',
  },
  invalid_refresh_token: {
    status: 401,
    title: 'The refresh token is not valid',
    advice: 'Log in again.',
  },
  refresh_token_reused: {
    status: 401,
    title: 'The refresh token was used before',
    advice: 'A token that is used again may be stolen, so this login has ended, with all of its tokens. Log in again.',
  },
  forbidden: { status: 403, title: 'Not allowed', advice: 'This needs a role that your account does not have.' },
  not_found: { status: 404, title: 'Not found', advice: 'Check the address; you only see what is yours.' },
  method_not_allowed: {
    status: 405,
    title: 'Method not allowed',
    advice: 'The `Allow` header names the methods of this address.',
  },
  email_taken: { status: 409, title: 'The email is already registered', advice: 'Log in, or use another email.' },
  session_full: {
    status: 409,
    title: 'The conversation has reached its longest',
    advice: 'Start a new one by leaving out `sessionId`.',
  },
  dead_letters_in_use: {
    status: 409,
    title: 'These dead letters are in use',
    advice: 'Somebody else looks at them, or sends them back: wait until that has ended.',
  },
  payload_too_large: { status: 413, title: 'The body is too large', advice: 'Send a shorter message.' },
  unsupported_media_type: {
    status: 415,
    title: 'The body is not JSON',
    advice: 'Send `Content-Type: application/json`, encoded as UTF-8.',
  },
  idempotency_key_reused: {
    status: 422,
    title: 'The Idempotency-Key belongs to another request',
    advice: 'Use a new key for a request with another body.',
  },
  rate_limited: { status: 429, title: 'Too many requests', advice: 'Wait `Retry-After` seconds, then send it again.' },
  internal_error: {
    status: 500,
    title: 'Something went wrong on our side',
    advice: 'Report the `traceId`; trying again may help.',
  },
  broker_unavailable: {
    status: 503,
    title: 'The message broker cannot be reached',
    advice:
      'Nothing was accepted. Send it again after `Retry-After` seconds, with the same Idempotency-Key if you use one.',
  },
  store_unavailable: {
    status: 503,
    title: 'The store cannot be reached',
    advice: 'Try again after `Retry-After` seconds.',
  },
  identity_unavailable: {
    status: 503,
    title: 'The identity provider cannot be reached',
    advice: 'Try again after `Retry-After` seconds.',
  },
  overloaded: {
    status: 503,
    title: 'Too much is waiting already',
    advice: 'Nothing was accepted. Send it again after `Retry-After` seconds.',
  },
} as const satisfies Record<string, { status: number; title: string; advice: string }>;

export type ApiErrorCode = keyof typeof apiErrors;

/** Why a request ended as `failed`: the `error.code` of a chat response. */
export const failureCodes = [
  'model_rate_limited',
  'model_unavailable',
  'model_timeout',
  'model_unreachable',
  'model_rejected',
  'model_unauthorized',
  'model_content_filtered',
  'model_context_too_long',
  'model_empty_answer',
  'model_not_allowed',
  'deadline_exceeded',
  'spend_uncertain',
  'worker_crashed',
  'internal_error',
] as const;

export type FailureCode = (typeof failureCodes)[number];

/** Why a message is in a dead-letter queue: the `x-dead-letter-reason` header. */
export const deadLetterReasons = [
  'empty',
  'too_large',
  'unsupported_encoding',
  'unsupported_amqp_body',
  'not_utf8',
  'not_json',
  'unsupported_version',
  'invalid_message',
  'invalid_signature',
  'invalid_reply_to',
  'reply_unroutable',
  'reply_refused',
  'unknown_session',
  'handler_failed',
] as const;

export type DeadLetterReason = (typeof deadLetterReasons)[number];
