import type { Account } from '../../contracts/account.ts';
import { redisKeys } from '../../contracts/redis-keys.ts';
import { orStoreUnavailable } from '../redis/connect-redis.ts';
import type { Redis } from '../redis/redis.ts';
import { scanKeys } from '../redis/scan-keys.ts';
import type { AccountPage, AccountStore, NextAccount } from './account-store.ts';
import { pauseAfterClash } from './pause-after-clash.ts';
import { replaceAccount } from './redis-scripts/replace-account.ts';

/** The id of no user. Commands name it where there is no account, so that there are as many of them as if there were one. */
const NOBODY = 'nobody';
const FILLED_SECONDS = 24 * 3_600;

/** `revision` counts the changes. An account that was never changed may have none. */
type StoredAccount = Account & { revision?: number };

function accountOf({ revision: _, ...account }: StoredAccount): Account {
  return account;
}

/**
 * Accounts in Redis. Each account is a JSON string under its user's id, and a second key leads from the email to that
 * id. `create` and `byEmail` cost the same commands whether or not the email has an account. `all` finds them by their keys, so the user needs the right to SCAN.
 *
 * A sorted set has all emails in their order, for `page`. An earlier version did not write it, and a process may die before it has. So
 * once a day, the first call of `page` looks through all keys and adds what the set lacks.
 */
export function createRedisAccountStore({ redis }: { redis: Redis }): AccountStore {
  const read = async (userId: string): Promise<Account | undefined> => {
    const text = await redis.get(redisKeys.account(userId));
    return text === null ? undefined : accountOf(JSON.parse(text));
  };
  const write = (account: Account) => redis.set(redisKeys.account(account.userId), JSON.stringify(account));
  const byEmail = async (email: string) => read((await redis.get(redisKeys.email(email))) ?? NOBODY);

  async function create(account: Account): Promise<'created' | 'email_taken'> {
    // The account is written first. If the email were first and we failed in between, the email could never be
    // registered.
    await write(account);
    const isNew = (await redis.set(redisKeys.email(account.email), account.userId, 'NX')) !== null;
    await redis.zadd(redisKeys.emails(), 0, isNew ? account.email : NOBODY);
    await redis.del(redisKeys.account(isNew ? NOBODY : account.userId));
    return isNew ? 'created' : 'email_taken';
  }

  async function change(userId: string, next: NextAccount): Promise<Account | undefined> {
    const key = redisKeys.account(userId);
    for (let tries = 1; ; tries++) {
      const before = await redis.get(key);
      if (before === null) return undefined;
      const { revision = 0, ...account } = JSON.parse(before) as StoredAccount;
      const after = await next(account);
      if (!after) return undefined;
      const stored: StoredAccount = { ...after, revision: revision + 1 };
      if (await replaceAccount(redis, key, before, JSON.stringify(stored))) return after;
      await pauseAfterClash(tries);
    }
  }

  async function remove(userId: string): Promise<void> {
    const account = await read(userId);
    if (!account) return;
    const email = redisKeys.email(account.email);
    // The account is removed last, so that a repeated call finds the email.
    if ((await redis.get(email)) === userId) {
      await redis.zrem(redisKeys.emails(), account.email);
      await redis.del(email);
    }
    await redis.del(redisKeys.account(userId));
  }

  let filling: Promise<void> | undefined;

  async function fillEmails(): Promise<void> {
    const prefix = redisKeys.email('');
    for await (const keys of scanKeys(redis, redisKeys.email('*'))) {
      const members = keys.flatMap((key): [number, string] => [0, key.slice(prefix.length)]);
      if (members.length > 0) await redis.zadd(redisKeys.emails(), ...members);
    }
    await redis.set(redisKeys.emailsFilled(), '', 'EX', FILLED_SECONDS);
  }

  async function page(after: string | undefined, limit: number): Promise<AccountPage> {
    if ((await redis.exists(redisKeys.emailsFilled())) === 0) {
      filling ??= fillEmails().finally(() => {
        filling = undefined;
      });
      await filling;
    }
    const from = after === undefined ? '-' : `(${after}`;
    const emails = await redis.zrange(redisKeys.emails(), from, '+', 'BYLEX', 'LIMIT', 0, limit);
    const accounts = await Promise.all(emails.map(byEmail));
    // Nothing stays of an account that was erased while its email was added.
    const gone = emails.filter((_, i) => accounts[i] === undefined);
    if (gone.length > 0) await redis.zrem(redisKeys.emails(), ...gone);
    return {
      accounts: accounts.filter((account) => account !== undefined),
      next: emails.length < limit ? undefined : emails.at(-1),
    };
  }

  async function* all(): AsyncGenerator<Account> {
    for await (const keys of scanKeys(redis, redisKeys.account('*'))) {
      const texts = await orStoreUnavailable(Promise.all(keys.map((key) => redis.get(key))));
      for (const text of texts) if (text !== null) yield accountOf(JSON.parse(text));
    }
  }

  return {
    create: (account) => orStoreUnavailable(create(account)),
    byEmail: (email) => orStoreUnavailable(byEmail(email)),
    byId: (userId) => orStoreUnavailable(read(userId)),
    all: () => all(),
    page: (after, limit) => orStoreUnavailable(page(after, limit)),
    change: (userId, next) => orStoreUnavailable(change(userId, next)),
    remove: (userId) => orStoreUnavailable(remove(userId)),
  };
}
