import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { postJson, register, userWith } from '../api-client.ts';
import { type MailServer, startMailServer } from '../mail-server.ts';
import { startApi, startScript, type TestProcess } from '../processes.ts';
import { newMasterKey } from '../seals.ts';
import { settingsForLogins } from '../settings-for-logins.ts';
import { codeOf, setUpSecondFactor } from '../totp.ts';
import { until } from '../until.ts';

const NEW_PASSWORD = 'four-green-badgers';

let mailServer: MailServer;
let api: TestProcess;
let env: Record<string, string>;
beforeAll(async () => {
  mailServer = await startMailServer();
  env = {
    ...(await settingsForLogins()),
    ENCRYPTION_KEYS: newMasterKey(),
    ...mailServer.settings,
    PUBLIC_URL: 'https://chat.example.com/healify/',
  };
  api = await startApi(env);
});
afterAll(() => mailServer.close());

async function person() {
  const credentials = await register(api.url);
  const { body } = await postJson(`${api.url}/auth/login`, credentials);
  const { userId, accessToken } = body as unknown as { userId: string; accessToken: string };
  return { ...credentials, user: userWith(api.url, userId, accessToken) };
}

/** The subjects of all mails to somebody, once there are so many. */
async function subjectsFor(email: string, count: number): Promise<string[]> {
  const its = () => mailServer.mails.filter(({ to }) => to === email);
  await until(`${count} mails`, () => its().length >= count);
  return its().map(({ text }) => /^Subject: (.*)\r$/m.exec(text)![1]!);
}

async function users(...args: string[]): Promise<void> {
  const child = await startScript('src/main/users.ts', args, { ...env, SECRET: NEW_PASSWORD });
  await child.exited;
  expect([child.exitCode, child.exitCode === 0 ? '' : child.output()]).toEqual([0, '']);
}

test('whose password changes is told by mail, whoever has changed it; the mail says what to do, and has no secret', async () => {
  const { email, password, user } = await person();
  const changed = await user.post('/auth/password', { currentPassword: password, newPassword: NEW_PASSWORD });
  expect(changed.status).toBe(204);
  expect(await subjectsFor(email, 1)).toEqual(['Your password was changed']);
  const { text } = mailServer.mails.find(({ to }) => to === email)!;
  expect(text).toContain('https://chat.example.com/healify/');
  expect(text).toContain('Choose another password');
  expect(text).toContain('Tell those who run this service');
  for (const secret of [password, NEW_PASSWORD, user.accessToken]) expect(text).not.toContain(secret);

  await users('set-password', '--email', email, '--password-env', 'SECRET');
  expect(await subjectsFor(email, 2)).toHaveLength(2);
  await postJson(`${api.url}/auth/password/forgotten`, { email });
  const token = await mailServer.tokenFor(email, mailServer.mails.findLastIndex(({ to }) => to === email) + 1);
  await postJson(`${api.url}/auth/password/reset`, { token, newPassword: 'five-yellow-ravens' });
  const subjects = await subjectsFor(email, 4);
  expect(subjects.filter((each) => each === 'Your password was changed')).toHaveLength(3);
  expect(api.output()).not.toContain(email);
});

test('whoever changes an account again and again causes some mails, not as many', async () => {
  const { email, password, user } = await person();
  for (let change = 0; change < 8; change++) {
    const [currentPassword, newPassword] = change % 2 ? [NEW_PASSWORD, password] : [password, NEW_PASSWORD];
    expect((await user.post('/auth/password', { currentPassword, newPassword })).status).toBe(204);
  }
  await setUpSecondFactor(user, password);
  const subjects = await subjectsFor(email, 6);
  expect(subjects.filter((each) => each === 'Your password was changed')).toHaveLength(5);
  expect(subjects).toContain('An authenticator app was set up');
});

test('a password that stays as it is causes no mail', async () => {
  const { email, user } = await person();
  const refused = await user.post('/auth/password', { currentPassword: 'not the one', newPassword: NEW_PASSWORD });
  expect(refused.body.code).toBe('wrong_password');
  const other = await person();
  await other.user.post('/auth/password', { currentPassword: other.password, newPassword: NEW_PASSWORD });
  await subjectsFor(other.email, 1);
  expect(mailServer.mails.filter(({ to }) => to === email)).toEqual([]);
});

test('each change of a second factor is told, and each use of a recovery code', async () => {
  const { email, password, user } = await person();
  const { uri, secret, recoveryCodes } = await setUpSecondFactor(user, password);
  const [first, second] = recoveryCodes;
  expect((await postJson(`${api.url}/auth/login`, { email, password, totp: first })).status).toBe(200);
  const replaced = await user.post('/auth/second-factor/recovery-codes', { password, totp: codeOf(uri, 1) });
  const [newCode] = (replaced.body as unknown as { recoveryCodes: string[] }).recoveryCodes;
  expect((await user.delete('/auth/second-factor', { password, totp: newCode })).status).toBe(204);
  expect((await subjectsFor(email, 5)).sort()).toEqual([
    'A recovery code was used',
    'A recovery code was used',
    'An authenticator app was set up',
    'Your authenticator app was removed',
    'Your recovery codes were replaced',
  ]);
  const texts = mailServer.mails.filter(({ to }) => to === email).map(({ text }) => text);
  for (const each of [secret, first!, second!, newCode!]) expect(texts.join()).not.toContain(each);
});

test('whose role is changed or whose second factor is taken away by somebody else is told, and once', async () => {
  const { email } = await person();
  await users('enroll-totp', '--email', email);
  await users('set-role', '--email', email, '--role', 'privacy_officer');
  await users('set-role', '--email', email, '--role', 'privacy_officer');
  await users('reset-totp', '--email', email);
  await users('reset-totp', '--email', email);
  expect(await subjectsFor(email, 3)).toEqual([
    'An authenticator app was set up',
    'Your role was changed',
    'Your authenticator app was removed',
  ]);
  expect(mailServer.mails.find(({ text }) => text.includes('another role now: privacy officer'))?.to).toBe(email);
});
