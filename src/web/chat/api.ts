import { createAccountClient } from '../../client/account-client.ts';
import { createChatClient } from '../../client/chat-client.ts';
import { createLogin, type KeptLogin } from '../../client/login.ts';
import { forgetKept, keep, onKeptElsewhere, readKept } from './kept.ts';

/** The page's files are in `assets/`, beside the API. So this is right under every path prefix. */
const baseUrl = new URL(/* @vite-ignore */ '..', import.meta.url).pathname;

/** Where the identity provider lets people in and out. */
export const providerAddresses = { logIn: `${baseUrl}auth/oidc/login`, logOut: `${baseUrl}auth/oidc/logout` };

const KEPT_AS = 'login';
const listeners = new Set<() => void>();
const changed = () => {
  for (const listener of listeners) listener();
};

export const login = createLogin({
  baseUrl,
  storage: {
    read: () => readKept<KeptLogin>(KEPT_AS),
    write: (next) => {
      const before = readKept<KeptLogin>(KEPT_AS)?.userId;
      keep(KEPT_AS, next);
      // Others may use this browser, too.
      if (!next) forgetKept('draft:');
      if (next?.userId !== before) changed();
    },
  },
});

export const client = createChatClient({ baseUrl, token: login.token });
export const account = createAccountClient({ baseUrl, token: login.token });

/** Calls back when somebody has logged in or out, in this tab or in another. Returns a function that ends this. */
export function onLogin(listener: () => void): () => void {
  listeners.add(listener);
  const end = onKeptElsewhere(KEPT_AS, listener);
  return () => {
    listeners.delete(listener);
    end();
  };
}
