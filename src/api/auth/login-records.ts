import type { Request } from 'express';
import type { AccountStore } from '../../adapters/accounts/account-store.ts';
import type { Caller } from '../../contracts/account.ts';
import type { AuditActor, AuditTrail } from '../../contracts/audit.ts';
import { senderOf } from '../audit.ts';
import { toApiError } from '../problem.ts';

/** How somebody tried to log in: to the API, or to the admin's pages; `oidc`: at the identity provider. */
export type Way = 'api' | 'admin_pages' | 'oidc' | 'oidc_admin_pages';

/** Records logins. They do not wait for the trail, and are not refused because of it. */
export interface LoginRecords {
  loggedIn(req: Request, caller: Caller, by: Way): void;
  /** @param email whose account it would have been; undefined: the client named none */
  refused(req: Request, email: string | undefined, error: unknown, by: Way): void;
}

/** @param options.accounts undefined: an identity provider has the accounts */
export function createLoginRecords(options: {
  trail: Pick<AuditTrail, 'note'>;
  accounts: Pick<AccountStore, 'byEmail'> | undefined;
}): LoginRecords {
  const { trail, accounts } = options;
  return {
    loggedIn: (req, { userId, role }, by) =>
      trail.note({ ...fromUser(req, { userId, role }), action: 'login', outcome: 'done', details: { by } }),
    refused: (req, email, error, by) => {
      const { address } = senderOf(req);
      const { code, status } = toApiError(error);
      const outcome = status < 500 ? 'refused' : 'failed';
      // An email that has no account is not kept: it may be anybody's, or a password in the wrong field. The look-up comes after
      // the reply, whose time says nothing of it.
      const found = email === undefined ? undefined : accounts?.byEmail(email);
      Promise.resolve(found)
        .catch(() => undefined)
        .then((account) =>
          trail.note({
            ...{ action: 'login', actor: { kind: 'anonymous' }, address, outcome, details: { by, code } },
            ...(account && { subject: { kind: 'account', id: account.userId } }),
          }),
        );
    },
  };
}

/** Somebody who has just proven who they are, and whose account it is about. */
export const fromUser = (req: Request, { userId, role }: Pick<Caller, 'userId'> & Partial<Caller>) => ({
  actor: { kind: 'user', userId, ...(role && { role }) } satisfies AuditActor,
  address: senderOf(req).address,
  subject: { kind: 'account' as const, id: userId },
});
