import type { Browser } from 'playwright-core';
import type { Account } from '../start/accounts.ts';

/** What the pictures of pages are taken of. */
export interface Scene {
  browser: Browser;
  apiUrl: string;
  /** With /v1 at its end. */
  simulatorUrl: string;
  operator: Account;
}
