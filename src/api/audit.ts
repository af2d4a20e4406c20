import type { Request } from 'express';
import type { AuditActor, AuditDetails, AuditEvent, AuditTrail } from '../contracts/audit.ts';
import { audited } from '../contracts/audited.ts';
import { cutText } from '../contracts/cut-text.ts';
import { clientAddress } from './client-address.ts';

const FILTER_CHARS = 256;

/** Who sends a request, and from where, as the audit trail names them. */
export const senderOf = (req: Request): { actor: AuditActor; address: string } => ({
  actor: req.user ? { kind: 'user', userId: req.user.userId, role: req.user.role } : { kind: 'anonymous' },
  address: clientAddress(req),
});

/** Does what a request asks for, which must not be done without a record. See `audited`. */
export const auditedFor = <T>(
  { req, trail }: { req: Request; trail: AuditTrail },
  event: Pick<AuditEvent, 'action' | 'subject' | 'details'>,
  act: () => Promise<T>,
  outcomeOf?: (result: T) => { outcome?: AuditEvent['outcome']; details?: AuditDetails },
): Promise<T> => audited(trail, { ...event, ...senderOf(req) }, act, outcomeOf);

/** The fields that somebody gave, as the audit trail keeps them. None of them may be a text of a conversation. */
export function filterOf(fields: Readonly<Record<string, unknown>>): NonNullable<AuditDetails['filter']> {
  const kept = Object.entries(fields).flatMap(([name, value]) => {
    if (typeof value === 'string') return [[name, cutText(value, FILTER_CHARS)]];
    return Number.isFinite(value) || typeof value === 'boolean' ? [[name, value]] : [];
  });
  return Object.fromEntries(kept) as NonNullable<AuditDetails['filter']>;
}
