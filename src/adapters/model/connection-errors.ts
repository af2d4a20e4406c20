import { ReplyTimeoutError } from './http/reply-limits.ts';
import { type Outcome, timedOut, unreadable, unwell } from './outcome.ts';

/** Error codes which show that the question was never sent. */
const NEVER_CONNECTED =
  /^(ECONNREFUSED|ENOTFOUND|EAI_|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|UND_ERR_CONNECT|UND_ERR_PRX|CERT_|ERR_TLS|ERR_SSL|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_)/;

const TIMEOUTS: Record<ReplyTimeoutError['code'], string> = {
  REPLY_TIMEOUT_FIRST_BYTE: 'the provider sent nothing within MODEL_FIRST_TOKEN_TIMEOUT',
  REPLY_TIMEOUT_IDLE: 'the provider stopped sending for MODEL_TOKEN_TIMEOUT',
  REPLY_TIMEOUT_TOTAL: 'the provider did not finish within MODEL_TIMEOUT',
};

/** Says what an error without a reply means. Of the error, only the system's code is passed on. */
export function readConnectionError(error: unknown): Outcome & { kind: 'unwell' } {
  const causes = [...chainOf(error)];
  const timeout = causes.find((cause) => cause instanceof ReplyTimeoutError);
  if (timeout) return timedOut(TIMEOUTS[timeout.code]);
  const code = causes.map(codeOf).find((each) => each !== undefined);
  if (code?.startsWith('Z_') || code?.startsWith('ERR_BROTLI')) {
    return unreadable('the reply is not encoded as its header says');
  }
  const reason = code ? ` (${code})` : '';
  const charged = !code || !NEVER_CONNECTED.test(code);
  return unwell('model_unreachable', `the connection to the provider failed${reason}`, { charged });
}

function* chainOf(error: unknown): Generator<object> {
  let cause = error;
  for (let depth = 0; depth < 6 && typeof cause === 'object' && cause !== null; depth += 1) {
    yield cause;
    cause = (cause as Error).cause;
  }
}

/** The error code of the system, the TLS library, zlib or undici, such as ECONNREFUSED. */
function codeOf(error: object): string | undefined {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{2,50}$/.test(code) ? code : undefined;
}
