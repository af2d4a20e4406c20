import { createHash, randomBytes } from 'node:crypto';
import { Secret, TOTP } from 'otpauth';
import type { AccountStore } from '../../adapters/accounts/account-store.ts';
import { type Account, hasSecondFactor, type KeptSecondFactor, withSessionsEnded } from '../../contracts/account.ts';
import { ApiError } from '../../contracts/errors.ts';
import type { BegunSecondFactor } from '../../contracts/http/account-bodies.ts';
import type { Seals, TextSeals } from '../../contracts/sealing.ts';
import type { AccountNotices } from './account-notices.ts';
import type { GuardLogin } from './guard-login.ts';

const ISSUER = 'healify-chat';
/** RFC 4226 asks for 160 bits. */
const SECRET_BYTES = 20;
/** How many steps of 30 s the clock of a device may be off. */
const WINDOW = 1;
const RECOVERY_CODES = 10;
const RECOVERY_CODE_BYTES = 15;

/**
 * Authenticator apps (TOTP, RFC 6238) as second factors. The secret is sealed with the key of its user. A code counts once. All
 * methods reject with StoreUnavailableError if a store is out of reach, and with MasterKeyMissingError.
 */
export interface SecondFactors {
  /**
   * Makes a secret for an app. It counts once it is confirmed. Before that, another call makes another one.
   * @throws ApiError second_factor_exists
   */
  begin(userId: string): Promise<BegunSecondFactor>;
  /**
   * Confirms that an app has the secret. From then on, every login needs a code.
   * @returns the recovery codes
   * @throws ApiError wrong_code, second_factor_exists, not_found, rate_limited
   */
  confirm(userId: string, code: string): Promise<string[]>;
  /**
   * Makes sure that whoever knows the password has the second factor as well, if the account has one. The code is used up.
   * @param code of the app, or a recovery code; undefined: none was sent
   * @throws ApiError second_factor_required, wrong_code, rate_limited
   */
  prove(account: Account, code: string | undefined): Promise<void>;
  /**
   * Uses a code up as `prove` does, and replaces all recovery codes.
   * @throws ApiError wrong_code, not_found, rate_limited
   */
  replaceRecoveryCodes(account: Account, code: string): Promise<string[]>;
  /**
   * Uses a code up as `prove` does, and takes the second factor away. The logins to the admin's pages end. An account without one
   * needs no code.
   * @throws ApiError wrong_code, second_factor_exists: it was set up meanwhile; rate_limited
   */
  remove(account: Account, code: string): Promise<void>;
}

/**
 * @param options.guard counts wrong codes for the account alone. Only somebody with the password can send any, so nobody else can
 * make its user wait
 * @param options.notices tell people what became of their second factor
 * @param options.onRecoveryCode hears that somebody has used one
 */
export function createSecondFactors(options: {
  store: Pick<AccountStore, 'byId' | 'change'>;
  seals: TextSeals;
  guard: GuardLogin;
  notices: AccountNotices;
  onRecoveryCode: (userId: string) => void;
}): SecondFactors {
  const { store, seals, guard, notices, onRecoveryCode } = options;

  /**
   * Uses a code up. Whether it is right is found out with the account as it is in the store, together with the change: what others
   * do to the second factor meanwhile counts.
   * @param accept what is left of the account; undefined: the code is wrong
   * @returns the account as it is now
   */
  async function use(
    userId: string,
    accept: (account: Account, kept: KeptSecondFactor, opened: Seals) => Account | undefined,
  ): Promise<Account> {
    return await guard({ address: 'any', account: `second factor of ${userId}` }, async () => {
      const opened = await seals.forOpening([userId]);
      const changed = await store.change(
        userId,
        (account) => account.secondFactor && accept(account, account.secondFactor, opened),
      );
      if (!changed) throw new ApiError('wrong_code');
      return changed;
    });
  }

  /**
   * Uses up a code of the app or a recovery code of a second factor that counts.
   * @param next what becomes of the account, whose second factor has the code no more
   * @returns the account as it is now
   */
  async function spend(userId: string, code: string, next: (account: Account) => Account): Promise<Account> {
    let byRecoveryCode = false;
    const account = await use(userId, (account, kept, opened) => {
      if (!hasSecondFactor(account)) return undefined;
      const spent = spentRecoveryCode(kept, code);
      byRecoveryCode = spent !== undefined;
      const secondFactor = spent ?? spentStep(userId, kept, code, opened);
      return secondFactor && next({ ...account, secondFactor });
    });
    if (byRecoveryCode) {
      onRecoveryCode(userId);
      notices.tell(account, 'recovery_code_used');
    }
    return account;
  }

  return {
    begin: async (userId) => {
      const secret = new Secret({ size: SECRET_BYTES });
      const sealing = await seals.forSealing([userId]);
      const secondFactor = keptSecret(userId, secret.base32, sealing);
      const changed = await store.change(userId, (account) =>
        hasSecondFactor(account) ? undefined : { ...account, secondFactor },
      );
      if (!changed) throw new ApiError('second_factor_exists');
      return { secret: secret.base32, uri: totpOf(secret, changed.email).toString() };
    },
    confirm: async (userId, code) => {
      const account = await store.byId(userId);
      if (!account?.secondFactor) throw new ApiError('not_found', { detail: 'Begin with POST /auth/second-factor.' });
      if (hasSecondFactor(account)) throw new ApiError('second_factor_exists');
      const codes = makeRecoveryCodes();
      const confirmed = await use(userId, (now, kept, opened) => {
        // Another confirmation may have been faster. Its recovery codes stay.
        if (hasSecondFactor(now)) throw new ApiError('second_factor_exists');
        const spent = spentStep(userId, kept, code, opened);
        if (!spent) return undefined;
        const confirmedAt = new Date().toISOString();
        return withSessionsEnded({
          ...now,
          secondFactor: { ...spent, confirmedAt, recoveryCodes: codes.map(hashOf) },
        });
      });
      notices.tell(confirmed, 'second_factor_set_up');
      return codes;
    },
    prove: async (account, code) => {
      if (!hasSecondFactor(account)) return;
      if (code === undefined) throw new ApiError('second_factor_required');
      await spend(account.userId, code, (proven) => proven);
    },
    replaceRecoveryCodes: async (account, code) => {
      if (!hasSecondFactor(account)) throw new ApiError('not_found', { detail: 'There is no second factor.' });
      const codes = makeRecoveryCodes();
      const changed = await spend(account.userId, code, ({ secondFactor, ...rest }) => ({
        ...rest,
        secondFactor: { ...secondFactor!, recoveryCodes: codes.map(hashOf) },
      }));
      notices.tell(changed, 'recovery_codes_replaced');
      return codes;
    },
    remove: async (account, code) => {
      const without = ({ secondFactor: _, ...rest }: Account) => withSessionsEnded(rest);
      if (hasSecondFactor(account)) {
        notices.tell(await spend(account.userId, code, without), 'second_factor_removed');
        return;
      }
      await store.change(account.userId, (now) => {
        // It was confirmed after the account was read, and nobody has shown a code of it.
        if (hasSecondFactor(now)) throw new ApiError('second_factor_exists');
        return without(now);
      });
    },
  };
}

/**
 * Gives an account a second factor that counts at once, for a person who is somewhere else.
 * @returns what the person needs; undefined: there is no such account, or it has a second factor
 */
export async function enrolSecondFactor(
  { store, seals, notices }: { store: Pick<AccountStore, 'change'>; seals: TextSeals; notices: AccountNotices },
  userId: string,
): Promise<(BegunSecondFactor & { recoveryCodes: string[] }) | undefined> {
  const [secret, codes] = [new Secret({ size: SECRET_BYTES }), makeRecoveryCodes()];
  const kept = keptSecret(userId, secret.base32, await seals.forSealing([userId]));
  const secondFactor = { ...kept, confirmedAt: new Date().toISOString(), recoveryCodes: codes.map(hashOf) };
  const changed = await store.change(userId, (account) =>
    hasSecondFactor(account) ? undefined : { ...account, secondFactor },
  );
  if (!changed) return undefined;
  notices.tell(changed, 'second_factor_set_up');
  return { secret: secret.base32, uri: totpOf(secret, changed.email).toString(), recoveryCodes: codes };
}

const totpOf = (secret: Secret, email: string) => new TOTP({ issuer: ISSUER, label: email, secret });

const placeOf = (userId: string) => ({ userId, kind: 'second_factor', id: userId }) as const;

function keptSecret(userId: string, secret: string, seals: Seals): KeptSecondFactor {
  const sealed = seals.seal(placeOf(userId), secret);
  return { ...(sealed === undefined ? { secret } : { sealed }), lastStep: 0, recoveryCodes: [] };
}

/** Returns undefined if the code is wrong, or its step was used. */
function spentStep(userId: string, kept: KeptSecondFactor, code: string, seals: Seals): KeptSecondFactor | undefined {
  const text = kept.sealed === undefined ? kept.secret : seals.open(placeOf(userId), kept.sealed);
  if (text === undefined) return undefined;
  const totp = totpOf(Secret.fromBase32(text), userId);
  const timestamp = Date.now();
  const delta = totp.validate({ token: code.replace(/\s/g, ''), window: WINDOW, timestamp });
  if (delta === null) return undefined;
  const step = totp.counter({ timestamp }) + delta;
  return step > kept.lastStep ? { ...kept, lastStep: step } : undefined;
}

/** Returns undefined if it is none of the recovery codes that are left. */
function spentRecoveryCode(kept: KeptSecondFactor, code: string): KeptSecondFactor | undefined {
  // Hashes of random codes say nothing by the time that a comparison takes.
  const recoveryCodes = kept.recoveryCodes.filter((each) => each !== hashOf(code));
  return recoveryCodes.length < kept.recoveryCodes.length ? { ...kept, recoveryCodes } : undefined;
}

/** 120 bits each, so a plain hash of them is enough: `k7m2qa-…`. */
const makeRecoveryCodes = () =>
  Array.from({ length: RECOVERY_CODES }, () =>
    new Secret({ buffer: new Uint8Array(randomBytes(RECOVERY_CODE_BYTES)).buffer }).base32
      .toLowerCase()
      .replace(/.{6}(?=.)/g, '$&-'),
  );

/** As people type it: with or without dashes, in capital letters or not. */
const hashOf = (code: string) => createHash('sha256').update(code.toLowerCase().replace(/[\s-]/g, '')).digest('hex');
