import { type ApiErrorCode, apiErrors, type FailureCode, failures } from './error-codes.ts';

/** The base of every error that we throw on purpose. It has a stable `code`, and says whether trying again can help. */
export abstract class HealifyError extends Error {
  abstract readonly code: string;
  abstract readonly retryable: boolean;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** Settings are missing or wrong. `problems` has one line for each. */
export class ConfigError extends HealifyError {
  readonly code = 'config_invalid';
  readonly retryable = false;
  readonly problems: string[];

  constructor(problems: string[]) {
    super(`The settings are not valid:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}

/** RabbitMQ did not take a message: not connected, blocked, nacked, or no confirm in time. */
export class BrokerUnavailableError extends HealifyError {
  readonly code = 'broker_unavailable';
  readonly retryable = true;
}

/** A queue refused a message (`basic.nack`): it is full, or it failed. */
export class MessageRefusedError extends BrokerUnavailableError {}

/** An answer cannot be delivered to the queue that its request names. Trying again would not help. */
export class UndeliverableReplyError extends HealifyError {
  readonly code: 'reply_unroutable' | 'reply_refused';
  readonly retryable = false;

  constructor(code: UndeliverableReplyError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/** A message was returned, because there is no such queue. */
export class UnroutableError extends HealifyError {
  readonly code = 'unroutable';
  readonly retryable = true;
}

/** Somebody else is reading or sending back the dead letters of a queue. */
export class DeadLettersInUseError extends HealifyError {
  readonly code = 'dead_letters_in_use';
  readonly retryable = true;

  constructor() {
    super('Somebody else is looking at these dead letters or sending them back. Wait until that has ended.');
  }
}

/** There are so many dead letters that the last of them were not looked at. */
export class UnseenDeadLettersError extends HealifyError {
  readonly code = 'dead_letters_unseen';
  /** Not before somebody has done something about the letters. */
  readonly retryable = false;

  constructor(unseen: number) {
    super(`${unseen} dead letters lie behind those that are read. Send some back, or drop them: npm run dlq.`);
  }
}

/** Redis cannot be reached, does not answer in time, or refuses. */
export class StoreUnavailableError extends HealifyError {
  readonly code: 'store_unavailable' | 'master_key_missing' = 'store_unavailable';
  readonly retryable = true;
  /** false: Redis replied with an unknown error, so the command itself may be to blame. */
  readonly foreseen: boolean;

  constructor(message: string, options: ErrorOptions & { foreseen?: boolean } = {}) {
    super(message, options);
    this.foreseen = options.foreseen ?? true;
  }
}

/**
 * A text cannot be read or kept, because this process does not have the master key that its user's key is wrapped with. The
 * text is there, and can be read once an operator has given back the key. So work waits, as it does for a store.
 */
export class MasterKeyMissingError extends StoreUnavailableError {
  override readonly code = 'master_key_missing';
}

/** When to try again if nothing more is known. */
const RETRY_AFTER_SECONDS = 5;

/** An HTTP reply that is not a success. It becomes an RFC 9457 problem document. */
export class ApiError extends HealifyError {
  readonly code: ApiErrorCode;
  readonly retryable: boolean;
  /** HTTP status. */
  readonly status: number;
  /** Seconds, for the `Retry-After` header; every 429 and 503 has it. */
  readonly retryAfterSeconds: number | undefined;
  readonly errors: { path: string; message: string }[] | undefined;

  constructor(
    code: ApiErrorCode,
    options: ErrorOptions & {
      detail?: string;
      retryAfterSeconds?: number;
      errors?: { path: string; message: string }[];
    } = {},
  ) {
    const { status, advice } = apiErrors[code];
    const retryable = status === 429 || status === 503;
    const seconds = options.retryAfterSeconds ?? (retryable ? RETRY_AFTER_SECONDS : undefined);
    super(options.detail ?? withSeconds(advice, seconds), options);
    this.code = code;
    this.status = status;
    this.retryable = retryable;
    this.retryAfterSeconds = seconds;
    this.errors = options.errors;
  }
}

/** The advice says "`Retry-After` seconds". The reader wants the number, so it is inserted. */
const withSeconds = (advice: string, seconds: number | undefined) =>
  seconds === undefined
    ? advice
    : advice.replace('`Retry-After` seconds', seconds === 1 ? '1 second' : `${seconds} seconds`);

/**
 * A request cannot be answered now, or not at all. Its code decides what the user reads and whether to try again (see
 * `failures`). Its message is the cause, for operators: it is in the log and with the failed job.
 */
export class RequestFailure extends HealifyError {
  readonly code: FailureCode;
  readonly retryable: boolean;
  /** Whether the model may have worked, so that the call may be charged although there is no answer. */
  readonly mayBeCharged: boolean;
  /** The provider that failed; undefined if no provider is involved. */
  readonly provider: string | undefined;
  /**
   * How many full calls brought no answer, for example because of a timeout. The next call may cost as much again, so a
   * request makes at most two of them.
   */
  costlyCalls: number;

  /** @param cause for operators; it must contain no user's text and no key */
  constructor(
    code: FailureCode,
    cause: string,
    options: ErrorOptions & {
      mayBeCharged?: boolean;
      provider?: string | undefined;
      costlyCalls?: number;
    } = {},
  ) {
    super(cause, options);
    this.code = code;
    this.retryable = failures[code].retryable;
    this.mayBeCharged = options.mayBeCharged ?? false;
    this.provider = options.provider;
    this.costlyCalls = options.costlyCalls ?? 0;
  }
}

/** The model is known to be out of reach for a while. Waiting for `retryAfterMs` uses up no attempt. */
export class ModelPausedError extends RequestFailure {
  readonly retryAfterMs: number;
  /** The gate that has refused the call. undefined: the model was asked, and has asked for the pause itself. */
  readonly gate: string | undefined;

  constructor(
    code: FailureCode,
    cause: string,
    retryAfterMs: number,
    options?: ErrorOptions & { provider?: string | undefined; gate?: string | undefined },
  ) {
    super(code, cause, options);
    this.retryAfterMs = retryAfterMs;
    this.gate = options?.gate;
  }
}

/** Why a provider fails everybody: our key, our credit or quota, or the model or its address. */
export const brokenCauses = ['key', 'quota', 'model'] as const;

export type BrokenCause = (typeof brokenCauses)[number];

export const isBrokenCause = (cause: string | undefined): cause is BrokenCause =>
  (brokenCauses as readonly (string | undefined)[]).includes(cause);

/** The provider fails everything until somebody repairs the cause. Waiting does not help. */
export class ProviderBrokenError extends RequestFailure {
  readonly why: BrokenCause;
  /** false: the provider's reply could also mean that it refuses only this request. */
  readonly certain: boolean;

  constructor(why: BrokenCause, cause: string, options: { provider?: string | undefined; certain?: boolean } = {}) {
    super(why === 'quota' ? 'model_quota_exhausted' : 'model_provider_broken', cause, options);
    this.why = why;
    this.certain = options.certain ?? true;
  }
}

/** Another request is asking the same question. Wait for its answer, or take over after `retryAfterMs`. */
export class AnswerUnderWayError extends HealifyError {
  readonly code = 'answer_under_way';
  readonly retryable = true;
  readonly retryAfterMs: number;
  /** The hash of the question. */
  readonly hash: string;

  constructor(hash: string, retryAfterMs: number) {
    super('The same question is being asked by another request.');
    this.hash = hash;
    this.retryAfterMs = retryAfterMs;
  }
}

/** The reason of an abort signal: the work on a job must end because the user has cancelled the request. */
export class RequestCancelledError extends HealifyError {
  readonly code = 'request_cancelled';
  readonly retryable = false;

  constructor() {
    super('The request was cancelled by its user.');
  }
}

/** The reason of an abort signal: the work on a job must end because this process stops. Another process continues. */
export class ProcessStoppingError extends HealifyError {
  readonly code = 'process_stopping';
  readonly retryable = true;

  constructor() {
    super('The process that works on the request is stopping.');
  }
}
