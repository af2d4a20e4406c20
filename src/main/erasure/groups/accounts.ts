import type { AccountStore } from '../../../adapters/accounts/account-store.ts';
import type { MailedLinks } from '../../../adapters/accounts/mailed-links.ts';
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
  lastLoginAt: 'shown',
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
  links: Pick<MailedLinks, 'of' | 'remove'>;
}): DataGroup<'account' | 'logins' | 'links'> {
  const { accounts, families, logins, links } = options;

  async function* account({ userId }: Scope) {
    const found = await accounts.byId(userId);
    if (!found) return;
    yield {
      ...withoutSecrets(found, ACCOUNT),
      secondFactorAt: found.secondFactor?.confirmedAt ?? null,
      ...(found.provider && { email: found.provider.email ?? null, atIdentityProvider: nameAtProvider(found) }),
    };
  }

  /** Only their email leads to them, so they are out of reach once the account is gone. */
  const linksOf = async (found: Account | undefined) => (found ? await links.of(found.email) : []);

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
    export: {
      account,
      logins: loginsOf,
      links: async function* ({ userId }) {
        for (const link of await linksOf(await accounts.byId(userId))) yield { ...link, secrets: ['link'] };
      },
    },
    counted: 'before',
    count: async ({ userId, sessionId }) => {
      if (sessionId !== undefined) return {};
      const [found, open] = await Promise.all([accounts.byId(userId), families.list(userId)]);
      return { account: found ? 1 : 0, logins: open.length, links: (await linksOf(found)).length };
    },
    erase: async ({ userId, sessionId }) => {
      if (sessionId !== undefined) return;
      const found = await accounts.byId(userId);
      if (found) await links.remove(found.email);
      // The account before its logins, so that no login can begin in between.
      await accounts.remove(userId);
      // Somebody may have asked for a link in between.
      if (found) await links.remove(found.email);
      await logins.endAll(userId);
      await families.removeAll(userId);
    },
  };
}

/** By what an identity provider's person is recognised. */
const nameAtProvider = ({ email }: Account) => ({
  hash: email.replace(/^oidc:/, ''),
  of: 'SHA-256, in base64url, of the JSON list of the provider’s address and the user’s id (sub) there',
});

const timeOf = (ms: number | undefined) => (ms === undefined ? null : new Date(ms).toISOString());
