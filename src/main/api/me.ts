import type { AccountStore } from '../../adapters/accounts/account-store.ts';
import type { MeOptions } from '../../api/chat/me.ts';
import { allowedModelsOf } from '../../config/allowed-models.ts';
import type { ApiConfig } from '../../config/settings.ts';
import { isEmailProven, shownEmail } from '../../contracts/account.ts';
import { limits } from '../../contracts/limits.ts';

/** What GET /me tells. */
export function createMeParts(config: ApiConfig, store: AccountStore): MeOptions {
  const accounts = config.jwtJwksUrl ? undefined : store;
  const { messageChars, titleChars, searchChars, sessionTurns } = limits;
  return {
    accountOf: async (userId) => {
      const account = await accounts?.byId(userId);
      const isVerified = config.verifiedMail === 'off' || !account || isEmailProven(account);
      return {
        email: (account && shownEmail(account)) ?? null,
        hasPassword: account?.passwordHash !== undefined,
        mustVerifyEmail: !isVerified,
      };
    },
    offer: {
      models: { standard: config.chatModel, allowed: allowedModelsOf(config) },
      limits: {
        ...{ messageChars, titleChars, searchChars, sessionTurns },
        sendPerMinute: config.rateSendPerMinute,
        readPerMinute: config.rateReadPerMinute,
        maxWaitSeconds: Math.floor(config.maxWaitMs / 1000),
      },
    },
  };
}
