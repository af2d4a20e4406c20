import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { aptInstall, canInstall } from './apt.ts';

const INSTALLED = [
  '/usr/bin/chromium',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/**
 * A browser that only reaches what its user opens. The user closes it.
 * @param options.hosts addresses of names that only this browser knows
 * @param options.keepsPages whether it keeps pages for its back button, as browsers do outside of tests
 */
export async function startChromium({
  hosts = {},
  keepsPages = false,
}: {
  hosts?: Record<string, string>;
  keepsPages?: boolean;
} = {}) {
  if (!INSTALLED.some(existsSync) && canInstall()) aptInstall(['chromium']);
  const executablePath = INSTALLED.find(existsSync);
  if (!executablePath) throw new Error('Chromium is not installed and cannot be: install Debian’s package chromium');
  return chromium.launch({
    executablePath,
    ignoreDefaultArgs: keepsPages ? ['--disable-back-forward-cache'] : [],
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      `--host-resolver-rules=${Object.entries(hosts).map(([name, address]) => `MAP ${name} ${address}`)}`,
    ],
  });
}
