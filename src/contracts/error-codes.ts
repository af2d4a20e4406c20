/** The errors of the REST API. `status` is the HTTP status, and `advice` says what the caller can do. */
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
  password_too_weak: {
    status: 400,
    title: 'The password is too easy to guess',
    advice: 'Choose one that is not common, follows no pattern, and does not consist of words of your email.',
  },
  wrong_password: {
    status: 403,
    title: 'The password is wrong',
    advice: 'Send the password that you log in with now.',
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
  second_factor_required: {
    status: 401,
    title: 'This login needs a second factor',
    advice:
      'The password is right. Send the same again with `totp`: the six digits of the authenticator app, or a recovery code.',
  },
  wrong_code: {
    status: 403,
    title: 'The code is wrong, or was used before',
    advice:
      'A code of the authenticator app counts once and for about a minute: wait for the next one, and check the clock of the ' +
      'device. A recovery code counts once.',
  },
  second_factor_missing: {
    status: 403,
    title: 'Your role needs a second factor',
    advice:
      'Until your account has one, it may do only what a user may. Set it up on the chat page under Account, or with ' +
      '`POST /auth/second-factor`.',
  },
  second_factor_exists: {
    status: 409,
    title: 'The account has a second factor already',
    advice: 'Remove it first with `DELETE /auth/second-factor`. Without the device, a recovery code does.',
  },
  invalid_refresh_token: {
    status: 401,
    title: 'The refresh token is not valid',
    advice: 'Log in again.',
  },
  refresh_token_reused: {
    status: 401,
    title: 'The refresh token was used before',
    advice:
      'A refresh token that is used twice may have been stolen, so this login has ended, with all of its tokens. Log in again.',
  },
  sign_in_unknown: {
    status: 400,
    title: 'This login at the identity provider is not known',
    advice: 'It was used before, has taken too long, or began in another browser. Begin again.',
  },
  identity_refused: {
    status: 403,
    title: 'The identity provider let nobody in',
    advice: 'Log in again. If it happens again, the operator finds the reason in the log of the api.',
  },
  assurance_missing: {
    status: 403,
    title: 'The login at the identity provider was too weak',
    advice: 'Log out at the identity provider, then log in with your second factor.',
  },
  password_login_off: {
    status: 403,
    title: 'Nobody logs in with a password here',
    advice: 'Log in at the identity provider: open `/auth/oidc/login` in a browser.',
  },
  role_of_provider: {
    status: 409,
    title: 'The identity provider gives this account its role',
    advice: 'Change the role at the identity provider. It counts with the next login of the person.',
  },
  origin_not_allowed: {
    status: 403,
    title: 'Pages of this origin may not connect',
    advice: 'Connect from a page of this server, or let its operator add the origin to `CORS_ORIGINS`.',
  },
  account_disabled: {
    status: 403,
    title: 'The account is disabled',
    advice: 'Ask an admin to enable it.',
  },
  reset_invalid: {
    status: 403,
    title: 'The link to choose a password is not valid',
    advice: 'It works once, and for a limited time. Ask for another mail with `POST /auth/password/forgotten`.',
  },
  email_unverified: {
    status: 403,
    title: 'The email is not verified yet',
    advice:
      'Open the link in the mail that was sent after the registration. `POST /auth/email/proof` sends another one to the user’s email.',
  },
  email_proof_invalid: {
    status: 403,
    title: 'The link to verify the email is not valid',
    advice: 'It works once, and for a limited time. Log in, and ask for another mail with `POST /auth/email/proof`.',
  },
  registration_closed: {
    status: 403,
    title: 'Nobody can make an account here',
    advice: 'Ask those who run this service for an account.',
  },
  invite_invalid: {
    status: 403,
    title: 'The invite is not valid',
    advice: 'An invite works once, and for a limited time. Ask an admin for another one, and send it as `invite`.',
  },
  login_too_old: {
    status: 403,
    title: 'The login is too old for this',
    advice: 'Log in again, and send it with the new token within ten minutes.',
  },
  user_erased: {
    status: 403,
    title: 'This user was erased',
    advice:
      'Everything of this user was erased for ever, so nothing new is kept. Make another account, or another user at your identity provider.',
  },
  forbidden: { status: 403, title: 'Not allowed', advice: 'Your account does not have the role that this needs.' },
  not_found: { status: 404, title: 'Not found', advice: 'Check the address; you only see what is yours.' },
  session_not_found: {
    status: 404,
    title: 'There is no such conversation',
    advice:
      '`sessionId` names no conversation of yours. Leave it out to begin a new one, or add `newSession: true` to begin ' +
      'one under this id.',
  },
  method_not_allowed: {
    status: 405,
    title: 'Method not allowed',
    advice: 'The `Allow` header names the methods of this address.',
  },
  session_id_taken: {
    status: 409,
    title: 'The sessionId is in use',
    advice: 'Choose another random UUID, or leave out `newSession` to continue a conversation of yours.',
  },
  session_full: {
    status: 409,
    title: 'The conversation is full',
    advice: 'Start a new one by leaving out `sessionId`.',
  },
  no_answer: {
    status: 409,
    title: 'There is no answer to rate',
    advice: 'Wait until the question has an answer. A question that failed cannot be rated.',
  },
  last_admin: {
    status: 409,
    title: 'There is no other admin',
    advice:
      'Nobody could manage accounts any more. Give somebody else the role `admin` first, on the page *Accounts* or with ' +
      '`POST /admin/accounts/role`. Whoever runs this service can erase the account all the same, with `npm run users -- erase`.',
  },
  dead_letters_in_use: {
    status: 409,
    title: 'These dead letters are in use',
    advice: 'Somebody else is looking at them or sending them back. Wait until that has ended, then try again.',
  },
  retry_run_active: {
    status: 409,
    title: 'These jobs are being retried already',
    advice: 'A run of the same code is going. `GET /admin/retry-runs` shows it. Wait until it ends, or stop it.',
  },
  job_not_failed: {
    status: 409,
    title: 'The job has not failed',
    advice: 'Only a failed job can be retried. `GET /admin/jobs/{requestId}` says how it stands.',
  },
  job_ended: {
    status: 409,
    title: 'The job has ended',
    advice: 'It cannot be cancelled any more. `GET /admin/jobs/{requestId}` says how it ended.',
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
  upgrade_required: {
    status: 426,
    title: 'This address is a WebSocket',
    advice: 'Connect to it with a WebSocket client.',
  },
  rate_limited: { status: 429, title: 'Too many requests', advice: 'Wait `Retry-After` seconds, then send it again.' },
  too_many_streams: {
    status: 429,
    title: 'Too many event streams are open',
    advice: 'Close those that you do not need. One page needs one stream for each question that is being answered.',
  },
  internal_error: {
    status: 500,
    title: 'Something went wrong on our side',
    advice: 'Try again. If it fails again, report the `traceId`.',
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
  pages_not_built: {
    status: 503,
    title: 'The pages are not built',
    advice: 'Run `npm run build:web` where the api is installed, and restart the api.',
  },
  stopping: {
    status: 503,
    title: 'This process is stopping',
    advice: 'Connect again after `Retry-After` seconds. Another process answers then.',
  },
  overloaded: {
    status: 503,
    title: 'Too many questions are waiting already',
    advice: 'Nothing was accepted. Send it again after `Retry-After` seconds.',
  },
} as const satisfies Record<string, { status: number; title: string; advice: string }>;

export type ApiErrorCode = keyof typeof apiErrors;

/**
 * Why a request ended as `failed`: the `error.code` of a chat response. Only this table says what a code means.
 * `message` is all that the user reads, so it tells nothing about our keys, providers or machines. The log and the
 * failed job have the cause. `retryable` says whether asking again can help.
 */
export const failures = {
  model_rate_limited: {
    retryable: true,
    message: 'The assistant has too much to do at the moment. Please try again in a few minutes.',
  },
  model_unavailable: {
    retryable: true,
    message: 'The assistant is not available at the moment. Please try again in a few minutes.',
  },
  model_timeout: {
    retryable: true,
    message: 'The assistant did not answer in time. Please try again.',
  },
  model_unreachable: {
    retryable: true,
    message: 'The assistant cannot be reached at the moment. Please try again in a few minutes.',
  },
  model_rejected: {
    retryable: false,
    message: 'The assistant could not work with this question.',
  },
  model_provider_broken: {
    retryable: false,
    message: 'The assistant is out of order until those who run this service mend it.',
  },
  model_quota_exhausted: {
    retryable: false,
    message: 'The assistant has reached its limit of use. Those who run this service can raise it.',
  },
  model_content_filtered: {
    retryable: false,
    message: 'The assistant does not answer this question because of its content.',
  },
  model_context_too_long: {
    retryable: false,
    message: 'This conversation is too long for the assistant. Please start a new one, or ask a shorter question.',
  },
  model_empty_answer: {
    retryable: true,
    message: 'The assistant gave no answer. Please try again, or ask in other words.',
  },
  model_not_allowed: {
    retryable: false,
    message: 'This model cannot be chosen here.',
  },
  deadline_exceeded: {
    retryable: true,
    message: 'The question was not answered in time. Please try again.',
  },
  spend_uncertain: {
    retryable: true,
    message: 'The answer was lost on its way. Please try again.',
  },
  worker_crashed: {
    retryable: false,
    message: 'The question could not be answered because of a fault on our side.',
  },
  internal_error: {
    retryable: true,
    message: 'The question could not be answered because of a fault on our side. Please try again.',
  },
} as const satisfies Record<string, { retryable: boolean; message: string }>;

export type FailureCode = keyof typeof failures;

export const failureCodes = Object.keys(failures) as [FailureCode, ...FailureCode[]];

/** Old codes of some failures. A queue or a job may still have them. */
const formerCodes = new Map<string, FailureCode>([['model_unauthorized', 'model_provider_broken']]);

/** Returns the failure of a code, which may be an old one; undefined if there is none. */
export const failureCodeOf = (code: unknown): FailureCode | undefined => {
  if (typeof code !== 'string') return undefined;
  return Object.hasOwn(failures, code) ? (code as FailureCode) : formerCodes.get(code);
};

/** A failure as the user sees it. */
export const failureOf = (code: FailureCode) => ({
  code,
  message: failures[code].message as string,
  retryable: failures[code].retryable as boolean,
});

/** Why a message is in a dead-letter queue: the `x-dead-letter-reason` header. */
export const deadLetterReasons = [
  'empty',
  'too_large',
  'unsupported_encoding',
  'unsupported_amqp_body',
  'not_utf8',
  'not_json',
  'unsupported_version',
  'newer_version',
  'invalid_message',
  'cannot_be_opened',
  'invalid_signature',
  'invalid_reply_to',
  'publisher_not_allowed',
  'reply_unroutable',
  'reply_refused',
  'unknown_session',
  'handler_failed',
] as const;

export type DeadLetterReason = (typeof deadLetterReasons)[number];
