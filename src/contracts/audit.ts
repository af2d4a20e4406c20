import { z } from 'zod';
import { roles } from './account.ts';
import { id } from './scalars.ts';

/** What the audit trail records. `npm run generate` writes the sentences to docs/security.md. */
export const auditActions = {
  login: 'Somebody logged in, or tried to. A failed login whose account is unknown has no subject.',
  'login.end':
    'Logins ended before their time: a person logged out or ended one of theirs, or a refresh token was used twice.',
  'account.register': 'Somebody made an account, or was refused because the email has one.',
  'account.invite': 'An invite was made, with which somebody can make an account.',
  'account.list': 'An admin was shown a list of accounts. What they searched for is not kept.',
  'account.role': 'The role of an account was changed.',
  'account.tenant': 'The organisation of an account was changed.',
  'account.password': 'The password of an account was changed, by its person or by somebody else.',
  'account.reset_mail': 'A mail was sent with a link to choose another password.',
  'account.second_factor':
    'The second factor of an account was set up or removed, its recovery codes were replaced, or one of them was used.',
  'account.proof_mail': 'A mail was sent with a link to verify the email of an account.',
  'account.email_verified': 'The email of an account was verified with such a link.',
  'account.disable': 'An account was disabled.',
  'account.enable': 'An account was enabled again.',
  'account.end_logins': 'All logins of an account were ended.',
  'account.erase': 'An account and all that was kept of its user was erased.',
  'account.export': 'A user was given everything that is kept of them.',
  'session.erase': 'A conversation was erased.',
  'right.refuse':
    'Somebody tried at /admin what their role may not do. The same of the same person is recorded once a minute.',
  'text.view': 'Somebody was shown texts of a user, with the reason that they gave.',
  'text.send':
    'Texts of users were sent to a provider: how often since the last such entry, to whom, and where that is.',
  'text.access': 'Somebody without the right to read texts took it for a limited time, in an emergency.',
  'job.retry': 'Failed jobs were put in line again.',
  'job.cancel': 'A job was ended as cancelled.',
  'job.promote': 'Jobs that waited for their time were put in line.',
  'retry_run.start': 'A run began that retries all failed jobs of a cause.',
  'retry_run.stop': 'Such a run was stopped.',
  'dead_letter.redrive': 'Dead letters were sent back to their queue.',
  'dead_letter.drop': 'Dead letters were removed for good.',
  'dead_letter.expire': 'Dead letters that were older than DEAD_LETTER_RETENTION were removed.',
  'gate.open': 'The gate of a model was opened, so that it is asked again.',
  'gate.shut': 'The gate of a model was shut, so that it is not asked.',
  'intake.pause': 'The intake of questions was paused.',
  'intake.resume': 'The intake of questions was resumed.',
  'key.rotate': 'The keys of users were wrapped with another master key.',
  'trail.export': 'Entries of the audit trail were exported.',
  'trail.shorten': 'Entries of the audit trail that were older than AUDIT_RETENTION were removed.',
} as const;

export type AuditAction = keyof typeof auditActions;

const actor = z.discriminatedUnion('kind', [
  /** Somebody with an account, ours or an identity provider's. Without a role: what they sent does not say it. */
  z.strictObject({ kind: z.literal('user'), userId: id, role: z.enum(roles).optional() }),
  /** Whoever ran a command: `users`, `keys`. They have the rights of the server that it ran on. */
  z.strictObject({ kind: z.literal('command'), command: z.string().max(64) }),
  /** Nobody who is known, as in a failed login. */
  z.strictObject({ kind: z.literal('anonymous') }),
  /** The product itself, as when entries are too old. */
  z.strictObject({ kind: z.literal('system') }),
]);

export type AuditActor = z.output<typeof actor>;

const subject = z.strictObject({
  kind: z.enum(['account', 'login', 'session', 'request', 'queue', 'gate', 'retry_run', 'trail']),
  id: z.string().max(256),
});

/** How an action ended. `begun`: it is written before the action, whose end has the same `id`. */
export const auditOutcomes = ['begun', 'done', 'refused', 'failed'] as const;

const count = z.int().nonnegative();
const name = z.string().max(128);

/** All are bounded. None may hold a text of a conversation, a name or a mail address. */
const details = z.strictObject({
  /** How many were changed, or shown. */
  count: count.optional(),
  /** How many matched the filter. */
  matching: count.optional(),
  /** Which were meant: the fields of the filter or of the options. */
  filter: z.record(name, z.union([z.string().max(256), z.number(), z.boolean()])).optional(),
  /** Why, in the words of whoever did it. */
  reason: z.string().max(500).optional(),
  /** Why it was refused or failed: a code of docs/errors.md. */
  code: name.optional(),
  /** How it was done: `password`, `refresh_token`. */
  by: name.optional(),
  /** What was changed, as it was before and as it is now. */
  before: name.optional(),
  after: name.optional(),
  /** How long it counts, ISO 8601. */
  until: z.string().max(40).optional(),
});

export type AuditDetails = z.output<typeof details>;

/** Something that is recorded. People are named by their ids only, so that nothing is left of them once they are erased. */
export const auditEvent = z.strictObject({
  action: z.enum(Object.keys(auditActions) as [AuditAction, ...AuditAction[]]),
  actor,
  /** The client's address. */
  address: z.string().max(64).optional(),
  /** Whom or what it was done to. */
  subject: subject.optional(),
  outcome: z.enum(auditOutcomes),
  details: details.optional(),
});

export type AuditEvent = z.output<typeof auditEvent>;

/** An entry of the trail, before it is chained. */
export interface AuditRecord extends AuditEvent {
  /**
   * The entries of an action have the same one. So do two entries that record the same, after a store did not say whether it
   * has the first.
   */
  id: string;
  /** When it happened, ISO 8601. */
  at: string;
}

/**
 * The audit trail. It is separate from the logs, and is kept where accounts are. Entries are only ever added. Each has the hash
 * of the one before.
 */
export interface AuditTrail {
  /**
   * Records what must not be done without a record, or must not be shown without one. Call it first.
   * @returns the id of the record
   * @throws StoreUnavailableError it is not recorded, so the action must not be done
   */
  record(event: AuditEvent, id?: string): Promise<string>;
  /**
   * Records what happens anyway, such as a login, or what has been done. The entry waits in memory while the store is away.
   * If too many wait, further ones are lost and counted (healify_audit_entries_lost_total).
   * @param id left out: a new one
   */
  note(event: AuditEvent, id?: string): void;
}
