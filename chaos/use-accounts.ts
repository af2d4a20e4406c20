import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Asker } from './ask.ts';

const EVERY_MS = 500;
const REPLY_TIMEOUT_MS = 10_000;

/**
 * Registers accounts and logs in, rightly and wrongly, and sends requests that nobody can read, until the run is over. Only
 * the log is looked at later, so it does not matter which of these succeed.
 * @returns the emails, passwords, tokens and texts that were used
 */
export async function useAccounts({ apiUrls, signal }: Pick<Asker, 'apiUrls' | 'signal'>): Promise<string[]> {
  const used: string[] = [];
  for (let i = 0; !signal.aborted; i++) {
    const url = apiUrls[i % apiUrls.length]!;
    const [email, password, wrong, text] = [
      `${randomUUID()}@chaos.example`,
      `right-${randomUUID()}`,
      `wrong-${randomUUID()}`,
      `unreadable-${randomUUID()}`,
    ];
    used.push(email, password, wrong, text);
    await post(url, '/auth/register', JSON.stringify({ email, password }));
    await post(url, '/auth/login', JSON.stringify({ email, password: wrong }));
    const login = await post(url, '/auth/login', JSON.stringify({ email, password }));
    const { accessToken, refreshToken } = (login ?? {}) as { accessToken?: string; refreshToken?: string };
    if (accessToken && refreshToken) {
      used.push(accessToken, refreshToken);
      await post(url, '/auth/refresh', JSON.stringify({ refreshToken }));
      await post(url, '/chat/send', JSON.stringify({ message: text, [text]: text }), accessToken);
      await post(url, '/chat/send', `{"message": "${text}`, accessToken);
    }
    await post(url, '/chat/send', JSON.stringify({ message: text }), `${text}.${text}.${text}`);
    await sleep(EVERY_MS);
  }
  return used;
}

async function post(url: string, path: string, body: string, token?: string): Promise<unknown> {
  const headers = { 'Content-Type': 'application/json', ...(token && { Authorization: `Bearer ${token}` }) };
  try {
    const signal = AbortSignal.timeout(REPLY_TIMEOUT_MS);
    return await (await fetch(url + path, { method: 'POST', headers, body, signal })).json();
  } catch {
    // The api is away, or was killed while it replied.
    return undefined;
  }
}
