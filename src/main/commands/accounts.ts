import type { Db } from 'mongodb';
import type { AccountStore } from '../../adapters/accounts/account-store.ts';
import { accountIndexes, createMongoDbAccountStore } from '../../adapters/accounts/mongodb-account-store.ts';
import { createRedisAccountStore } from '../../adapters/accounts/redis-account-store.ts';
import { createRedisOneTimeEntries } from '../../adapters/accounts/redis-one-time-entries.ts';
import { createMongoDbAuditStore } from '../../adapters/audit/mongodb-audit-store.ts';
import { createRedisAuditStore } from '../../adapters/audit/redis-audit-store.ts';
import { admitMasterKeys } from '../../adapters/encryption/admit-master-keys.ts';
import { createDataKeys } from '../../adapters/encryption/data-keys.ts';
import { createTextSeals } from '../../adapters/encryption/text-seals.ts';
import {
  createMongoDbRefreshFamilyStore,
  refreshFamilyIndexes,
} from '../../adapters/logins/mongodb-refresh-family-store.ts';
import { createRedisRefreshFamilyStore } from '../../adapters/logins/redis-refresh-family-store.ts';
import { endLogin } from '../../adapters/logins/redis-scripts/end-login.ts';
import type { RefreshFamilyStore } from '../../adapters/logins/refresh-family-store.ts';
import { createSmtpOutbox } from '../../adapters/mail/smtp-outbox.ts';
import { createIndexes } from '../../adapters/mongodb/indexes.ts';
import { channelOf } from '../../adapters/redis/channels.ts';
import type { Redis } from '../../adapters/redis/redis.ts';
import { type AccountNotices, createAccountNotices, noNotices } from '../../api/auth/account-notices.ts';
import { createInvites, type Invite, type Invites } from '../../api/auth/invites.ts';
import { createLogins, type Logins } from '../../api/auth/logins.ts';
import { accountsAndTokens } from '../../config/settings/accounts-and-tokens.ts';
import { encryption } from '../../config/settings/encryption.ts';
import { mail } from '../../config/settings/mail.ts';
import type { AuditTrail } from '../../contracts/audit.ts';
import { LOGIN_ENDED_CHANNEL, redisKeys } from '../../contracts/redis-keys.ts';
import { plainTexts, type TextSeals } from '../../contracts/sealing.ts';
import { dataKeyStoreOf, masterKeysOf } from '../encryption.ts';
import { withTrailIn } from './audit-trail.ts';
import { UsageError } from './command.ts';
import { withMongoDb } from './mongodb-connection.ts';
import { readSetting } from './read-setting.ts';
import { withRedis } from './redis-connection.ts';

/** No access token of any api outlives its login by more: ACCESS_TOKEN_TTL is a day at most. */
export const KEEP_ENDED_MS = 25 * 3_600_000;

export interface AccountStores {
  accounts: AccountStore;
  logins: Logins;
  invites: Invites;
  /** For the secrets of second factors. @throws UsageError ENCRYPTION_KEYS is not that of the apis */
  seals: () => Promise<TextSeals>;
  /** Tell people of changes. */
  notices: AccountNotices;
  /** Where accounts are. */
  trail: AuditTrail;
}

/**
 * Runs a part of a command with the accounts and their logins: in MongoDB if MONGODB_URL is set, and else in Redis. The
 * apis are told through Redis of logins that end. It waits for the mails that tell people of changes, if SMTP_URL is set.
 * @param name the name of this process in the servers' lists of clients
 * @throws UsageError a setting is missing, or wrong
 */
export async function withAccounts(name: string, use: (stores: AccountStores) => Promise<void>): Promise<void> {
  await withNotices((notices) => withStores(name, (stores) => use({ ...stores, notices })));
}

async function withStores(name: string, use: (stores: Omit<AccountStores, 'notices'>) => Promise<void>): Promise<void> {
  const ttlMs = readSetting(accountsAndTokens.refreshTokenTtlMs);
  await withRedis(name, async (redis) => {
    const invites = createInvites({
      store: createRedisOneTimeEntries<Invite>({ redis, keyOf: redisKeys.invite }),
      ttlMs: readSetting(accountsAndTokens.inviteTtlMs),
    });
    const isMongoDb = await withMongoDb(name, async (db) => {
      await createIndexes(db, [...accountIndexes, ...refreshFamilyIndexes]);
      const logins = loginsOf(redis, createMongoDbRefreshFamilyStore({ db, ttlMs }));
      const accounts = createMongoDbAccountStore({ db });
      const seals = () => admittedSeals(redis, db);
      await withTrailIn(createMongoDbAuditStore({ db }), ({ trail }) =>
        use({ accounts, logins, invites, seals, trail }),
      );
    });
    if (isMongoDb) return;
    const logins = loginsOf(redis, createRedisRefreshFamilyStore({ redis, ttlMs }));
    const accounts = createRedisAccountStore({ redis });
    const seals = () => admittedSeals(redis, undefined);
    await withTrailIn(createRedisAuditStore({ redis }), ({ trail }) =>
      use({ accounts, logins, invites, seals, trail }),
    );
  });
}

/** How long to wait before each further try, in ms. Somebody waits for the command. */
const MAIL_RETRY_AFTER_MS = [1_000, 5_000];

async function withNotices(use: (notices: AccountNotices) => Promise<void>): Promise<void> {
  const url = readSetting(mail.smtpUrl);
  if (!url) return await use(noNotices);
  const [from, publicUrl] = [readSetting(mail.mailFrom), readSetting(mail.publicUrl)];
  if (!from || !publicUrl) throw new UsageError('MAIL_FROM and PUBLIC_URL are required with SMTP_URL');
  const say = (_: unknown, message?: unknown) => void process.stderr.write(`${message}\n`);
  const logger = { info: () => {}, warn: say, error: say };
  const outbox = createSmtpOutbox({ url, from, retryAfterMs: MAIL_RETRY_AFTER_MS, logger });
  try {
    await use(createAccountNotices({ outbox, publicUrl }));
    await outbox.settle();
  } finally {
    outbox.stop();
  }
}

async function admittedSeals(redis: Redis, db: Db | undefined): Promise<TextSeals> {
  const store = dataKeyStoreOf({ redis, db });
  const masterKeys = masterKeysOf(readSetting(encryption.encryptionKeys));
  const problem = await admitMasterKeys(store, masterKeys);
  if (problem !== undefined) throw new UsageError(problem);
  return masterKeys ? createTextSeals(createDataKeys({ store, masterKeys })) : plainTexts;
}

function loginsOf(redis: Redis, families: RefreshFamilyStore): Logins {
  const [key, channel] = [redisKeys.endedLogins(), channelOf(redis, LOGIN_ENDED_CHANNEL)];
  return createLogins({
    families,
    endLogin: (loginId) => endLogin(redis, key, { loginId, keepMs: KEEP_ENDED_MS, channel }),
  });
}
