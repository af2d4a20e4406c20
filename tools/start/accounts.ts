import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { startGuarded } from '../services/guarded-process.ts';
import { type Environment, keep } from './environment.ts';

export interface Account {
  email: string;
  password: string;
  admin: boolean;
}

export interface DemoAccounts {
  user: Account;
  admin: Account;
}

/** Accounts for trying things out. Their passwords are made once and kept. */
export function demoAccounts(dataDir: string): DemoAccounts {
  const account = (name: string, admin: boolean): Account => ({
    email: `${name}@example.com`,
    password: randomBytes(12).toString('base64url'),
    admin,
  });
  const make = () => JSON.stringify({ user: account('demo', false), admin: account('admin', true) }, null, 2);
  return JSON.parse(keep(join(dataDir, 'accounts.json'), make)) as DemoAccounts;
}

/** Creates the account unless it exists. */
export async function makeAccount(account: Account, options: { root: string; env: Environment }): Promise<void> {
  const { root, env } = options;
  const args = ['add', '--email', account.email, '--password-env', 'ACCOUNT_PASSWORD', '--if-absent'];
  if (account.admin) args.push('--admin');
  const child = await startGuarded(process.execPath, [join(root, 'src/main/users.ts'), ...args], {
    env: { ...env, ACCOUNT_PASSWORD: account.password },
  });
  await child.exited;
  if (child.exitCode !== 0) throw new Error(`the account ${account.email} cannot be made: ${child.output()}`);
}
