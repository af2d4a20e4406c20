import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { WebSocket } from 'ws';
import { call, postJson, register, userWith } from '../api-client.ts';
import { type MailServer, startMailServer } from '../mail-server.ts';
import { startApi, startScript, type TestProcess } from '../processes.ts';
import { settingsForLogins } from '../settings-for-logins.ts';
import { until } from '../until.ts';

let mailServer: MailServer;
let api: TestProcess;
let env: Record<string, string>;
beforeAll(async () => {
  mailServer = await startMailServer();
  env = {
    ...(await settingsForLogins()),
    PUBLIC_URL: 'https://chat.example.com',
    ...mailServer.settings,
  };
  api = await startApi({ ...env, VERIFIED_MAIL: 'required' });
});
afterAll(() => mailServer.close());

const verify = (token: string) => postJson(`${api.url}/auth/email/verify`, { token });
const mailsTo = (email: string) => mailServer.mails.filter(({ to }) => to === email).length;

async function logIn(credentials: { email: string; password: string }) {
  const { body } = await postJson(`${api.url}/auth/login`, credentials);
  const { userId, accessToken } = body as unknown as { userId: string; accessToken: string };
  return userWith(api.url, userId, accessToken);
}

/** Asks over a WebSocket, and returns the code of the problem. */
async function codeOnSocket(accessToken: string): Promise<string | undefined> {
  const socket = new WebSocket(`${api.url.replace('http', 'ws')}/chat/ws`);
  const received: { type: string; problem?: { code: string } }[] = [];
  socket.on('message', (data) => received.push(JSON.parse(String(data))));
  try {
    await new Promise((resolve) => socket.once('open', resolve));
    socket.send(JSON.stringify({ type: 'authenticate', token: accessToken }));
    socket.send(JSON.stringify({ type: 'ask', id: 'a', question: { message: 'Is water healthy?' } }));
    return await until('the problem', () => received.find(({ type }) => type === 'problem')?.problem?.code);
  } finally {
    socket.close();
  }
}

test('who makes an account can ask once the link in the mail was opened, at once and with the same token', async () => {
  const credentials = await register(api.url);
  const user = await logIn(credentials);
  expect((await user.get('/me')).body).toMatchObject({ mustVerifyEmail: true });
  expect(await user.send({ message: 'Is water healthy?' })).toMatchObject({
    status: 403,
    body: { code: 'email_unverified' },
  });
  expect(await codeOnSocket(user.accessToken)).toBe('email_unverified');
  const token = await mailServer.tokenFor(credentials.email);
  expect((await verify('a'.repeat(43))).body.code).toBe('email_proof_invalid');
  expect((await verify(token)).status).toBe(204);
  expect((await user.send({ message: 'Is water healthy?' })).status).toBe(202);
  expect((await user.get('/me')).body).toMatchObject({ mustVerifyEmail: false });
  expect((await verify(token)).body.code).toBe('email_proof_invalid');
});

test('a link is sent again, but not again and again, and not once the email is verified', async () => {
  const { email, password } = await register(api.url);
  const user = await logIn({ email, password });
  await mailServer.tokenFor(email);
  for (let times = 0; times < 5; times++) expect((await user.post('/auth/email/proof')).status).toBe(202);
  await until('three mails', () => mailsTo(email) === 3);
  expect((await verify(await mailServer.tokenFor(email, 0))).status).toBe(204);
  const other = await register(api.url);
  await mailServer.tokenFor(other.email);
  expect(mailsTo(email)).toBe(3);
});

test('an email that has an account gets the same reply to a registration, and its account stays as it is', async () => {
  const credentials = await register(api.url);
  await verify(await mailServer.tokenFor(credentials.email));
  const first = await postJson(`${api.url}/auth/register`, { ...credentials, email: `new-${credentials.email}` });
  const again = await postJson(`${api.url}/auth/register`, { ...credentials, password: 'four-green-badgers' });
  expect([again.status, again.body]).toEqual([
    first.status,
    { ...(first.body as object), email: credentials.email, next: 'verify_email' },
  ]);
  await mailServer.tokenFor(`new-${credentials.email}`);
  expect(mailsTo(credentials.email)).toBe(1);
  expect((await (await logIn(credentials)).send({ message: 'Is water healthy?' })).status).toBe(202);
});

test('a link of an account that is gone verifies no later account with the same email', async () => {
  const credentials = await register(api.url);
  const token = await mailServer.tokenFor(credentials.email);
  const redis = new Redis(env.REDIS_URL!);
  const userId = await redis.get(`auth:email:${credentials.email}`);
  await redis.del(`auth:email:${credentials.email}`, `auth:user:${userId}`);
  await redis.quit();
  await postJson(`${api.url}/auth/register`, credentials);
  expect((await verify(token)).body.code).toBe('email_proof_invalid');
});

test('accounts of the command and links to choose a password count as verified', async () => {
  const credentials = { email: 'made@example.com', password: 'three-brown-otters' };
  const args = ['add', '--email', credentials.email, '--password-env', 'SECRET'];
  await (await startScript('src/main/users.ts', args, { ...env, SECRET: credentials.password })).exited;
  expect((await (await logIn(credentials)).send({ message: 'Is water healthy?' })).status).toBe(202);

  const { email } = await register(api.url);
  await mailServer.tokenFor(email);
  const before = mailServer.mails.length;
  await postJson(`${api.url}/auth/password/forgotten`, { email });
  const token = await mailServer.tokenFor(email, before);
  const newPassword = 'four-green-badgers';
  expect((await postJson(`${api.url}/auth/password/reset`, { token, newPassword })).status).toBe(204);
  expect((await (await logIn({ email, password: newPassword })).send({ message: 'Is water healthy?' })).status).toBe(
    202,
  );
});

test('where the setting is off, nobody needs to', async () => {
  const off = await startApi(env);
  expect((await call(`${off.url}/auth/options`)).body).toMatchObject({ verifiedMail: false });
  expect((await call(`${api.url}/auth/options`)).body).toMatchObject({ verifiedMail: true });
  const credentials = await register(off.url);
  const user = await logIn(credentials);
  expect((await user.at(off.url).send({ message: 'Is water healthy?' })).status).toBe(202);
  expect((await user.at(off.url).post('/auth/email/proof')).status).toBe(404);
  expect((await postJson(`${off.url}/auth/email/verify`, { token: 'a'.repeat(43) })).status).toBe(404);
  expect(mailsTo(credentials.email)).toBe(0);
});
