import { text } from 'node:stream/consumers';
import type { AccountStore } from '../adapters/accounts/account-store.ts';
import { registerAccount } from '../api/auth/accounts.ts';
import { createPasswords } from '../api/auth/passwords.ts';
import { credentials } from '../contracts/http/account-bodies.ts';
import { withAccounts } from './commands/accounts.ts';
import { flagOption, readArguments, runCommand, textOption, UsageError } from './commands/command.ts';

const HELP = `Accounts of the API, from the command line. Reads MONGODB_URL and REDIS_URL: from the environment, .env, or what npm start has started.

  npm run users -- add --email E (--password-stdin | --password-env NAME) [--admin] [--if-absent]
  npm run users -- grant-admin --email E
  npm run users -- revoke-admin --email E

In the image: node dist/src/main/users.js add ...

  --password-stdin   read the password from standard input
  --password-env     read it from the environment variable of this name
  --admin            make it an admin, who may use /admin
  --if-absent        an account that is there already is no error

A change of role counts from the account's next token on, which is within ACCESS_TOKEN_TTL (15 minutes).
`;

async function main(): Promise<void> {
  const { values, positionals } = readArguments({
    email: textOption,
    'password-stdin': flagOption,
    'password-env': textOption,
    admin: flagOption,
    'if-absent': flagOption,
  });
  if (values.help) return void process.stdout.write(HELP);
  const [command = ''] = positionals;
  const { email } = values;
  if (!email) throw new UsageError('--email is missing');
  await withAccounts('healify-chat users', async (accounts) => {
    if (command === 'add') await add(accounts, email, values);
    else if (command === 'grant-admin') await setRole(accounts, email, 'admin');
    else if (command === 'revoke-admin') await setRole(accounts, email, 'user');
    else throw new UsageError(`there is no command ${command}`);
  });
}

async function add(
  accounts: AccountStore,
  givenEmail: string,
  options: { 'password-stdin'?: boolean; 'password-env'?: string; admin?: boolean; 'if-absent'?: boolean },
): Promise<void> {
  const password = await readPassword(options['password-stdin'], options['password-env']);
  const parsed = credentials.safeParse({ email: givenEmail, password });
  if (!parsed.success) {
    throw new UsageError(parsed.error.issues.map((issue) => `${issue.path}: ${issue.message}`).join('; '));
  }
  const { email } = parsed.data;
  if (options['if-absent'] && (await accounts.byEmail(email))) {
    process.stdout.write(`${email} has an account already\n`);
    return;
  }
  const role = options.admin ? 'admin' : 'user';
  const { userId } = await registerAccount({ store: accounts, passwords: createPasswords() }, parsed.data, role);
  process.stdout.write(`made ${email} (${role}), user id ${userId}\n`);
}

async function setRole(accounts: AccountStore, givenEmail: string, role: 'admin' | 'user'): Promise<void> {
  const email = givenEmail.toLowerCase();
  if (!(await accounts.setRole(email, role))) throw new UsageError(`there is no account for ${email}`);
  process.stdout.write(`${email} is ${role === 'admin' ? 'an admin' : 'no admin'} now\n`);
}

async function readPassword(fromStdin: boolean | undefined, variable: string | undefined): Promise<string> {
  if (fromStdin) return (await text(process.stdin)).replace(/\r?\n$/, '');
  if (variable === undefined) throw new UsageError('--password-stdin or --password-env is missing');
  return process.env[variable] ?? '';
}

runCommand(main, { usageExitCode: 1 });
