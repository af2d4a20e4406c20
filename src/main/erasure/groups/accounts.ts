import type { AccountStore } from '../../../adapters/accounts/account-store.ts';
import type { RefreshFamily, RefreshFamilyStore } from '../../../adapters/logins/refresh-family-store.ts';
import { type Logins, loginIdOf } from '../../../api/auth/logins.ts';
import type { DataGroup, Scope } from '../../../api/erasure/data-group.ts';
import type { Account } from '../../../contracts/account.ts';
import { type Visibility, withoutSecrets } from './without-secrets.ts';

const ACCOUNT: Visibility<Account> = {
  userId: 'shown',
  email: 'shown',
  passwordHash: 'secret',
  role: 'shown',
  tenantId: 'shown',
  createdAt: 'shown',
  passwordChangedAt: 'shown',
  disabledAt: 'shown',
  sessionsEndedAt: 'shown',
  emailVerifiedAt: 'shown',
  secondFactor: 'secret',
  provider: 'shown',
};

const LOGIN: Visibility<RefreshFamily> = {
  userId: 'shown',
  hash: 'secret',
  secret: 'secret',
  generation: 'shown',
  rotations: 'shown',
  issuedAt: 'shown',
  startedAt: 'shown',
  endsAt: 'shown',
  client: 'shown',
};

/** Only a whole user has them. They go first, so that nobody can log in any more. */
export function accountsGroup(options: {
  accounts: Pick<AccountStore, 'byId' | 'remove'>;
  families: Pick<RefreshFamilyStore, 'list' | 'removeAll'>;
  logins: Pick<Logins, 'endAll'>;
}): DataGroup<'account' | 'logins'> {
  const { accounts, families, logins } = options;

  async function* account({ userId }: Scope) {
    const found = await accounts.byId(userId);
    if (found) yield { ...withoutSecrets(found, ACCOUNT), secondFactorAt: found.secondFactor?.confirmedAt ?? null };
  }

  async function* loginsOf({ userId }: Scope) {
    for (const { id, family } of await families.list(userId)) {
      const { issuedAt, startedAt, endsAt, rotations, ...rest } = withoutSecrets(family, LOGIN);
      yield {
        loginId: loginIdOf(id),
        ...rest,
        startedAt: timeOf(startedAt),
        refreshedAt: timeOf(family.issuedAt * 1000),
        endsAt: timeOf(endsAt),
        rotatedAt: family.rotations.map(timeOf),
      };
    }
  }

  return {
    export: { account, logins: loginsOf },
    traced: false,
    count: async ({ userId, sessionId }) => {
      if (sessionId !== undefined) return {};
      const [found, open] = await Promise.all([accounts.byId(userId), families.list(userId)]);
      return { account: found ? 1 : 0, logins: open.length };
    },
    erase: async ({ userId, sessionId }) => {
      if (sessionId !== undefined) return;
      // The account first, so that no login can begin in between.
      await accounts.remove(userId);
      await logins.endAll(userId);
      await families.removeAll(userId);
    },
  };
}

const timeOf = (ms: number | undefined) => (ms === undefined ? null : new Date(ms).toISOString());
