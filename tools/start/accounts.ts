import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Role } from '../../src/contracts/account.ts';
import { withCompileCache } from '../services/compile-cache.ts';
import { startGuarded } from '../services/guarded-process.ts';
import { type Environment, keep } from './environment.ts';

export interface Account {
  email: string;
  password: string;
  role: Role;
}

export type DemoAccounts = Record<'user' | 'operator' | 'officer' | 'admin', Account>;

/** Accounts for trying things out, one of each role. Their passwords are made once and kept. */
export function demoAccounts(dataDir: string): DemoAccounts {
  const file = join(dataDir, 'accounts.json');
  const account = (name: string, role: Role): Account => ({
    email: `${name}@example.com`,
    password: randomBytes(12).toString('base64url'),
    role,
  });
  const made: DemoAccounts = {
    user: account('demo', 'user'),
    operator: account('operator', 'operator'),
    officer: account('privacy', 'privacy_officer'),
    admin: account('admin', 'admin'),
  };
  // An earlier version has kept fewer, and without their roles.
  const kept = JSON.parse(keep(file, () => '{}')) as Partial<Record<keyof DemoAccounts, Account>>;
  for (const name of Object.keys(made) as (keyof DemoAccounts)[])
    Object.assign(made[name], kept[name], { role: made[name].role });
  writeFileSync(file, JSON.stringify(made, null, 2), { mode: 0o600 });
  return made;
}

/** Creates the account unless it exists. */
export async function makeAccount(account: Account, options: { root: string; env: Environment }): Promise<void> {
  const { root, env } = options;
  const named = ['--email', account.email, '--password-env', 'ACCOUNT_PASSWORD'];
  const args = ['add', ...named, '--role', account.role, '--if-absent'];
  const child = await startGuarded(process.execPath, [join(root, 'src/main/users.ts'), ...args], {
    env: { ...withCompileCache, ...env, ACCOUNT_PASSWORD: account.password },
  });
  await child.exited;
  if (child.exitCode !== 0) throw new Error(`the account ${account.email} cannot be made: ${child.output()}`);
}
