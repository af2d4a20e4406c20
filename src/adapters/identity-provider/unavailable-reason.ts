import { safeMessage } from '../../contracts/safe-message.ts';

const MAX_CHARS = 300;

/** An error, what has caused it, or a reply of the provider that has. */
interface Link {
  cause: unknown;
  code: unknown;
  status: unknown;
  /** What openid-client has compared, and the document that it is from. */
  attribute: unknown;
  body: { issuer: unknown };
}

/** Says why a provider is of no use, as far down the chain of causes as that is told. Safe to log. */
export function unavailableReason(error: unknown): string {
  let reason = 'unknown';
  let link = error as Partial<Link> | undefined;
  while (typeof link === 'object' && link !== null) {
    const { cause, code, status, attribute, body } = link;
    if (attribute === 'issuer')
      return `it calls itself ${String(body?.issuer).slice(0, MAX_CHARS)}, not as OIDC_ISSUER says`;
    if (typeof status === 'number' && status >= 300) return `it answered ${status}`;
    reason = safeMessage(link) || (typeof code === 'string' ? code : reason);
    link = cause as Partial<Link> | undefined;
  }
  return reason;
}
