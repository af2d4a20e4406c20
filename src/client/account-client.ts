import type { BegunSecondFactor, RecoveryCodesBody, SecondFactorState } from '../contracts/http/account-bodies.ts';
import type { ExportLine } from '../contracts/http/export-lines.ts';
import type { OpenLoginBody } from '../contracts/http/login-bodies.ts';
import { ChatError } from './errors.ts';
import { createHttp, type TokenSource } from './http.ts';

/** What users do with their own accounts. All methods reject with ChatError. */
export interface AccountClient {
  /** All other logins end. */
  changePassword(currentPassword: string, newPassword: string): Promise<void>;
  /** Has another mail sent with a link that verifies the email. */
  sendEmailProof(): Promise<void>;
  /** @returns the logins that have not ended, the one that was used last first */
  logins(): Promise<OpenLoginBody[]>;
  endLogin(loginId: string): Promise<void>;
  endOtherLogins(): Promise<void>;
  secondFactor(): Promise<SecondFactorState>;
  beginSecondFactor(password: string): Promise<BegunSecondFactor>;
  /** @param totp a code that the app shows */
  confirmSecondFactor(totp: string): Promise<RecoveryCodesBody>;
  /** @param totp a code of the app, or a recovery code */
  replaceRecoveryCodes(password: string, totp: string): Promise<RecoveryCodesBody>;
  removeSecondFactor(password: string, totp: string): Promise<void>;
  /**
   * Gets everything that is kept of the user: lines of JSON.
   * @returns `complete`: false if something could not be read now
   * @throws ChatError login_too_old: the user must log in anew
   */
  exportAccount(): Promise<{ file: Blob; complete: boolean }>;
  /**
   * Erases everything that is kept of the user.
   * @param proof the password; or the user's own id, if an identity provider has the account
   * @returns the id of the receipt
   */
  eraseAccount(proof: { password: string } | { confirm: string }): Promise<{ erasureId: string }>;
}

/** @param options as for createChatClient */
export function createAccountClient(options: {
  baseUrl?: string;
  token: TokenSource;
  fetch?: typeof fetch;
}): AccountClient {
  const http = createHttp({ ...options, baseUrl: options.baseUrl ?? '' });
  const secondFactor = '/auth/second-factor';
  return {
    changePassword: (currentPassword, newPassword) =>
      http.call('POST', '/auth/password', { body: { currentPassword, newPassword } }),
    // The reply has no body.
    sendEmailProof: async () => void (await http.open('POST', '/auth/email/proof')),
    logins: async () => (await http.call<{ logins: OpenLoginBody[] }>('GET', '/auth/logins', { retry: true })).logins,
    endLogin: (loginId) => http.call('DELETE', `/auth/logins/${encodeURIComponent(loginId)}`),
    endOtherLogins: () => http.call('DELETE', '/auth/logins', { retry: true }),
    secondFactor: () => http.call('GET', secondFactor, { retry: true }),
    beginSecondFactor: (password) => http.call('POST', secondFactor, { body: { password } }),
    confirmSecondFactor: (totp) => http.call('POST', `${secondFactor}/confirm`, { body: { totp } }),
    replaceRecoveryCodes: (password, totp) =>
      http.call('POST', `${secondFactor}/recovery-codes`, { body: { password, totp } }),
    removeSecondFactor: (password, totp) => http.call('DELETE', secondFactor, { body: { password, totp } }),
    exportAccount: async () => {
      const reply = await http.open('GET', '/account/export');
      const file = await reply.blob().catch((cause) => {
        throw new ChatError('connection_failed', 'The connection broke off. Try again.', { cause });
      });
      return { file, complete: await isComplete(file) };
    },
    eraseAccount: (proof) => http.call('DELETE', '/account', { body: proof }),
  };
}

/** The last line of an export is far shorter than this. */
const LAST_LINE_BYTES = 65_536;

/** Whether the last line of an export says that nothing is missing. */
async function isComplete(file: Blob): Promise<boolean> {
  const end = await file.slice(-LAST_LINE_BYTES).text();
  const line = JSON.parse(end.trimEnd().split('\n').at(-1)!) as ExportLine;
  return line.type === 'end' && line.complete;
}
