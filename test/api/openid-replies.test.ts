import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { freePort } from '../../tools/services/free-port.ts';
import { beginSignIn, type HandMadeProvider, startHandMadeProvider } from '../../tools/services/hand-made-provider.ts';
import { call, postJson, userWith } from '../api-client.ts';
import { type MailServer, startMailServer } from '../mail-server.ts';
import { startApi, type TestProcess } from '../processes.ts';
import { testRabbitMqUrl, testRedisUrl } from '../services.ts';
import { until } from '../until.ts';

/** What somebody sends who pretends to be the provider, or a provider that is broken. */
let provider: HandMadeProvider;
let mailServer: MailServer;
let api: TestProcess;
beforeAll(async () => {
  [provider, mailServer] = await Promise.all([startHandMadeProvider(), startMailServer()]);
  const port = String(await freePort());
  api = await startApi({
    REDIS_URL: await testRedisUrl(),
    RABBITMQ_URL: await testRabbitMqUrl(),
    RATE_LOGIN_PER_MINUTE: '100000',
    JWT_SECRET: 'a secret of at least thirty-two bytes',
    API_PORT: port,
    PUBLIC_URL: `http://127.0.0.1:${port}`,
    ...provider.settings,
    ...mailServer.settings,
  });
});
afterAll(async () => {
  provider?.stop();
  await mailServer?.close();
});

type Claims = ReturnType<HandMadeProvider['idClaims']>;
const now = () => Math.floor(Date.now() / 1000);

/** Begins a login, and comes back with the code for an ID token. */
async function comeBackWith(
  makeIdToken: (claims: Claims) => Promise<string | undefined> | string | undefined,
  { userinfo, query, ...reply }: { userinfo?: unknown; query?: string; iss?: string; state?: string } = {},
) {
  const { cookie, state, nonce, comeBack } = await beginSignIn(api.url, query);
  const idToken = await makeIdToken(provider.idClaims(nonce));
  const code = provider.grant({ ...(idToken !== undefined && { idToken }), userinfo });
  const response = await comeBack({ code, state, iss: provider.issuer, ...reply });
  return { cookie, status: response.status, location: response.headers.get('location'), text: await response.text() };
}

/** Logs somebody in to the chat page. */
async function signIn(claims: Record<string, unknown> = {}) {
  const { cookie, status, location } = await comeBackWith((good) => provider.sign({ ...good, ...claims }));
  expect([status, location]).toEqual([303, expect.stringMatching(/^\/#\/signed-in\/[\w-]{43}$/)]);
  const reply = await postJson(
    `${api.url}/auth/oidc/tokens`,
    { code: location!.split('/').at(-1) },
    { Cookie: cookie },
  );
  expect(reply.status).toBe(200);
  const { userId, accessToken } = reply.body as unknown as { userId: string; accessToken: string };
  return userWith(api.url, userId, accessToken);
}

test('an ID token that is as it must be lets its person in', async () => {
  const user = await signIn();
  expect((await user.get('/me')).status).toBe(200);
});

test('whoever may not enter the operations page can log out at the provider, to log in there as somebody else', async () => {
  const { status, text } = await comeBackWith((claims) => provider.sign(claims), { query: '?page=admin' });
  expect(status).toBe(403);
  const [, address] = /href="([^"]*)">Log out at your organisation</.exec(text)!;
  const reply = await fetch(address!, { redirect: 'manual' });
  const { origin, pathname, searchParams } = new URL(reply.headers.get('location')!);
  expect(origin + pathname).toBe(`${provider.issuer}/logout`);
  expect(searchParams.get('post_logout_redirect_uri')).toBe(`${api.url}/admin/login`);
});

const withClaims = (change: (claims: Claims) => Record<string, unknown>) => (claims: Claims) =>
  provider.sign({ ...claims, ...change(claims) });
const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

test.each<[string, (claims: Claims) => Promise<string | undefined> | string | undefined]>([
  ['of another issuer', withClaims(() => ({ iss: 'https://evil.example' }))],
  ['whose issuer has a slash too many', withClaims(({ iss }) => ({ iss: `${iss}/` }))],
  ['without an issuer', withClaims(() => ({ iss: undefined }))],
  ['for another client', withClaims(() => ({ aud: 'somebody-else' }))],
  ['for several clients, and made for another one', withClaims(({ aud }) => ({ aud: [aud, 'other'], azp: 'other' }))],
  ['without an audience', withClaims(() => ({ aud: undefined }))],
  ['of another login', withClaims(() => ({ nonce: 'a'.repeat(43) }))],
  ['without a nonce', withClaims(() => ({ nonce: undefined }))],
  ['that has expired', withClaims(() => ({ iat: now() - 600, exp: now() - 60 }))],
  ['without an end', withClaims(() => ({ exp: undefined }))],
  ['that does not count yet', withClaims(() => ({ nbf: now() + 120 }))],
  ['without a subject', withClaims(() => ({ sub: undefined }))],
  [
    'signed with a key that the provider does not publish',
    (claims) => provider.sign(claims, { key: provider.otherKey }),
  ],
  [
    'signed with the published key as a secret',
    (claims) =>
      provider.sign(claims, {
        alg: 'HS256',
        key: Buffer.from(provider.publicKey.export({ type: 'spki', format: 'pem' }).toString()),
      }),
  ],
  [
    'signed with our own secret at the provider',
    (claims) => provider.sign(claims, { alg: 'HS256', key: Buffer.from(provider.clientSecret.padEnd(32, '0')) }),
  ],
  ['that nobody has signed', (claims) => `${encode({ alg: 'none' })}.${encode(claims)}.`],
  [
    'whose claims were changed after it was signed',
    async (claims) => {
      const [head, , signature] = (await provider.sign(claims)).split('.');
      return `${head}.${encode({ ...claims, sub: 'somebody-else' })}.${signature}`;
    },
  ],
])('an ID token %s lets nobody in', async (_what, makeIdToken) => {
  const { status, location, text } = await comeBackWith(makeIdToken);
  expect([status, location]).toEqual([403, null]);
  expect(text).toContain('did not let you in, or its reply is not valid');
});

test.each<[string, Parameters<typeof comeBackWith>[1]]>([
  ['whose userinfo is about somebody else', { userinfo: { sub: 'somebody-else', email: 'a@example.com' } }],
  ['that says it is of another issuer', { iss: 'https://evil.example' }],
])('a reply %s lets nobody in', async (_what, options) => {
  const { status, location } = await comeBackWith((claims) => provider.sign(claims), options);
  expect([status, location]).toEqual([403, null]);
});

test('a reply to a login that nobody has begun lets nobody in, and a reply without an ID token neither', async () => {
  const unknown = await comeBackWith((claims) => provider.sign(claims), { state: 'a'.repeat(43) });
  expect([unknown.status, unknown.text]).toEqual([400, expect.stringContaining('was used before')]);
  const empty = await comeBackWith(() => undefined);
  expect(empty.location).toBeNull();
  expect(empty.status).toBeGreaterThanOrEqual(400);
});

const logOut = (token: string) =>
  call(`${api.url}/auth/oidc/backchannel-logout`, {
    method: 'POST',
    body: new URLSearchParams({ logout_token: token }),
  });

test('a word of a logout that is as it must be ends the logins of its person at once, and counts once', async () => {
  const user = await signIn();
  const token = await provider.sign(provider.logoutClaims());
  expect((await logOut(token)).status).toBe(200);
  await until('the login has ended', async () => (await user.get('/me')).status === 401);

  const again = await signIn();
  expect(await logOut(token)).toMatchObject({ status: 403, body: { code: 'identity_refused' } });
  expect((await again.get('/me')).status).toBe(200);
});

test('a key that the provider has just changed counts at once, for a login and for a word of a logout', async () => {
  for (let change = 0; change < 2; change++) {
    provider.changeKey();
    const user = await signIn();
    provider.changeKey();
    expect((await logOut(await provider.sign(provider.logoutClaims()))).status).toBe(200);
    await until('the login has ended', async () => (await user.get('/me')).status === 401);
  }
});

test('only a form that is sent with POST is such a word', async () => {
  const reply = await call(`${api.url}/auth/oidc/backchannel-logout`, {
    method: 'PUT',
    body: new URLSearchParams({ logout_token: 'a.b.c' }),
  });
  expect([reply.status, reply.headers.get('allow'), reply.body.code]).toEqual([405, 'POST', 'method_not_allowed']);
  expect((await call(`${api.url}/auth/oidc/backchannel-logout/more`)).body.code).toBe('not_found');
});

type LogoutClaims = ReturnType<HandMadeProvider['logoutClaims']>;
const logoutWith = (change: Record<string, unknown>) => (claims: LogoutClaims) =>
  provider.sign({ ...claims, ...change });

test.each<[string, (claims: LogoutClaims) => Promise<string> | string]>([
  ['of another issuer', logoutWith({ iss: 'https://evil.example' })],
  ['for another client', logoutWith({ aud: 'somebody-else' })],
  ['that is an ID token', (claims) => provider.sign({ ...claims, events: undefined, nonce: 'n' })],
  ['with a nonce', logoutWith({ nonce: 'n' })],
  ['without the event', logoutWith({ events: { 'https://example.com/other': {} } })],
  ['whose events are a text', logoutWith({ events: 'http://schemas.openid.net/event/backchannel-logout' })],
  ['that is old', logoutWith({ iat: now() - 600, exp: now() + 600 })],
  ['that has expired', logoutWith({ exp: now() - 60 })],
  ['without an id', logoutWith({ jti: undefined })],
  ['without a time', logoutWith({ iat: undefined })],
  ['about nobody', logoutWith({ sub: undefined })],
  [
    'signed with a key that the provider does not publish',
    (claims) => provider.sign(claims, { key: provider.otherKey }),
  ],
  ['that nobody has signed', (claims) => `${encode({ alg: 'none' })}.${encode(claims)}.`],
  [
    'signed with the published key as a secret',
    (claims) => {
      const input = `${encode({ alg: 'HS256', kid: provider.keyId })}.${encode(claims)}`;
      const secret = provider.publicKey.export({ type: 'spki', format: 'pem' });
      return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
    },
  ],
])('a word of a logout %s ends nothing', async (_what, makeToken) => {
  const user = await signIn();
  const token = await makeToken(provider.logoutClaims());
  expect(await logOut(token)).toMatchObject({ status: 403, body: { code: 'identity_refused' } });
  expect((await user.get('/me')).status).toBe(200);
});

/** The subjects of all mails to somebody. */
const subjectsFor = (email: string) =>
  mailServer.mails.filter(({ to }) => to === email).map(({ text }) => /^Subject: (.*)\r$/m.exec(text)![1]!);

test('people are told by mail of their first login there, and when the provider says another email or role', async () => {
  const sub = 'told';
  const [first, second] = ['told@clinic.example', 'told.otherwise@clinic.example'];
  const enter = (claims: Record<string, unknown>) => signInAs({ sub, ...claims });
  await enter({ email: first });
  await enter({ email: first, role: 'operator' });
  await enter({ email: second, role: 'operator' });
  await enter({ email: second, role: 'operator' });
  await until('the mails', () => subjectsFor(first).length >= 3);
  expect(subjectsFor(first)).toEqual([
    'An account was made for you',
    'Your role was changed',
    'Your email was changed',
  ]);
  expect(subjectsFor(second)).toEqual([]);
  expect(mailServer.mails.find(({ to }) => to === first)!.text).toContain(
    'Change your password at the identity provider',
  );
});

test('an email that is known not to be verified gets no mail', async () => {
  await signInAs({ sub: 'unverified', email: 'unverified@clinic.example', email_verified: false });
  await signInAs({ sub: 'verified', email: 'verified@clinic.example', email_verified: true });
  await until('the mail', () => subjectsFor('verified@clinic.example').length === 1);
  expect(subjectsFor('unverified@clinic.example')).toEqual([]);
});

/** Somebody else logs in, as far as the callback. */
async function signInAs(claims: { sub: string } & Record<string, unknown>): Promise<void> {
  const { status } = await comeBackWith((good) => provider.sign({ ...good, ...claims }), {
    userinfo: { sub: claims.sub },
  });
  expect(status).toBe(303);
}
