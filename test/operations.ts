import type { Browser, Page } from 'playwright-core';
import { startChromium } from '../tools/services/chromium.ts';
import { signUp } from './api-client.ts';
import { startApi, startScript, startSimulatorProcess, startWorker } from './processes.ts';
import { startQueueClient } from './queue-client.ts';
import { testRabbitMqUrl, testRedisUrl } from './services.ts';

interface Credentials {
  email: string;
  password: string;
}

export const OPERATOR = { email: 'operator@example.com', password: 'three-brown-otters' };

/** The whole product, an operator's account and a browser. The test closes the browser. */
export async function startOperations(settings: Record<string, string> = {}) {
  const servers = { REDIS_URL: await testRedisUrl(), RABBITMQ_URL: await testRabbitMqUrl() };
  const env = { ...servers, RATE_READ_PER_MINUTE: '100000', RATE_LOGIN_PER_MINUTE: '1000', ...settings };
  const simulator = await startSimulatorProcess();
  const api = await startApi(env);
  const startAnotherWorker = () => startWorker({ ...env, MODEL_SIMULATOR_URL: simulator.url });
  const worker = await startAnotherWorker();
  const addAccount = async (role: string): Promise<Credentials> => {
    const who = { email: `${role}@example.com`, password: OPERATOR.password };
    const args = ['add', '--email', who.email, '--password-env', 'PASSWORD', '--role', role];
    const made = await startScript('src/main/users.ts', args, { REDIS_URL: servers.REDIS_URL, PASSWORD: who.password });
    await made.exited;
    return who;
  };
  await addAccount('operator');
  return {
    api,
    worker,
    startAnotherWorker,
    addAccount,
    user: await signUp(api.url),
    queues: await startQueueClient(servers.RABBITMQ_URL),
    browser: await startChromium(),
  };
}

export type Operations = Awaited<ReturnType<typeof startOperations>>;

/** Logs in, on the login page that the browser shows. */
export async function logIn(page: Page, who: Credentials = OPERATOR): Promise<void> {
  await page.fill('[name=email]', who.email);
  await page.fill('[name=password]', who.password);
  await page.getByRole('button', { name: 'Log in' }).click();
}

/**
 * Opens a page that notes what the browser complains of: errors of scripts, and what the page's policy forbids.
 * @returns the page and its complaints so far
 */
export async function openWatched(browser: Browser, options: Parameters<Browser['newPage']>[0] = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (/Content.Security.Policy|TrustedHTML|TrustedScript/i.test(message.text())) complaints.push(message.text());
  });
  return { page, complaints };
}
