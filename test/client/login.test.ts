import { randomUUID } from 'node:crypto';
import { beforeAll, expect, test } from '@jest/globals';
import { createAccountClient } from '../../src/client/account-client.ts';
import { ChatError, createChatClient } from '../../src/client/chat-client.ts';
import { createLogin, type KeptLogin } from '../../src/client/login.ts';
import { startApi, type TestProcess } from '../processes.ts';
import { testRabbitMqUrl, testRedisUrl } from '../services.ts';

let api: TestProcess;
beforeAll(async () => {
  api = await startApi({
    REDIS_URL: await testRedisUrl(),
    RABBITMQ_URL: await testRabbitMqUrl(),
    RATE_LOGIN_PER_MINUTE: '100',
  });
});

/** A browser: what its tabs share, and its tabs. */
function browser() {
  let kept: KeptLogin | undefined;
  const ended: number[] = [];
  return {
    ended,
    kept: () => kept!,
    /** As if the time had passed. */
    expire: () => {
      kept = { ...kept!, expiresAt: 0 };
    },
    tab: () => {
      const login = createLogin({
        baseUrl: api.url,
        storage: {
          read: () => kept,
          write: (next) => {
            kept = next;
          },
        },
        onEnd: () => ended.push(1),
      });
      return { login, client: createChatClient({ baseUrl: api.url, token: login.token }) };
    },
  };
}

const PASSWORD = 'three-brown-otters';
async function loggedIn() {
  const shared = browser();
  const tab = shared.tab();
  const email = `${randomUUID()}@example.com`;
  await tab.login.register(email, PASSWORD);
  await tab.login.login(email, PASSWORD);
  return { shared, tab, email };
}

test('a user registers, logs in, and is known', async () => {
  const { tab, email } = await loggedIn();
  expect(await tab.client.me()).toMatchObject({ email, userId: tab.login.userId });
  await expect(tab.login.login(email, 'wrong')).rejects.toMatchObject({ code: 'invalid_credentials' });
});

test('somebody who is logged in and logs in anew has one login', async () => {
  const { shared, tab, email } = await loggedIn();
  const { refreshToken } = shared.kept();
  await tab.login.login(email, PASSWORD);
  expect(shared.kept().refreshToken).not.toBe(refreshToken);
  expect(await createAccountClient({ baseUrl: api.url, token: tab.login.token }).logins()).toMatchObject([
    { current: true },
  ]);
});

test('tabs that make the token new at the same moment all stay logged in', async () => {
  const { shared, tab } = await loggedIn();
  const tabs = [tab, ...Array.from({ length: 4 }, () => shared.tab())];
  for (let round = 0; round < 3; round += 1) {
    const before = shared.kept().refreshToken;
    shared.expire();
    const names = await Promise.all(tabs.flatMap(({ client }) => [client.me(), client.me()]));
    expect(new Set(names.map(({ userId }) => userId)).size).toBe(1);
    expect(shared.kept().refreshToken).not.toBe(before);
  }
  expect(shared.ended).toEqual([]);
});

test('a login that was ended elsewhere is forgotten, and the page is told', async () => {
  const { shared, tab } = await loggedIn();
  const { refreshToken } = shared.kept();
  const other = createLogin({ baseUrl: api.url, storage: { read: () => ({ ...shared.kept() }), write: () => {} } });
  await other.logout();
  shared.expire();
  await expect(tab.client.me()).rejects.toMatchObject({ code: 'unauthenticated' });
  expect(shared.ended).toEqual([1]);
  expect(shared.kept()).toBeUndefined();
  expect(refreshToken).toBeTruthy();
});

test('a user who logs out while the token is made new stays logged out', async () => {
  const { shared, tab } = await loggedIn();
  shared.expire();
  const call = tab.client.me().catch((error: ChatError) => error);
  await tab.login.logout();
  await call;
  expect(shared.kept()).toBeUndefined();
  expect(await tab.client.me().catch((error: ChatError) => error)).toBeInstanceOf(ChatError);
});
