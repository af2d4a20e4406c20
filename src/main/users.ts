import { text } from 'node:stream/consumers';
import type { AccountStore } from '../adapters/accounts/account-store.ts';
import { type Credentials, registerAccount } from '../api/auth/accounts.ts';
import type { Logins } from '../api/auth/logins.ts';
import { createAccountAdmin } from '../api/auth/manage-accounts.ts';
import { createPasswords } from '../api/auth/passwords.ts';
import { setPassword } from '../api/auth/set-password.ts';
import { credentials } from '../contracts/http/account-bodies.ts';
import type { AdminAccount } from '../contracts/http/admin-account-bodies.ts';
import { withAccounts } from './commands/accounts.ts';
import { flagOption, readArguments, runCommand, textOption, UsageError } from './commands/command.ts';

const HELP = `Accounts of the API, from the command line. Reads MONGODB_URL and REDIS_URL: from the environment, .env, or what npm start has started.

  npm run users -- add --email E (--password-stdin | --password-env NAME) [--admin] [--if-absent]
  npm run users -- grant-admin --email E
  npm run users -- revoke-admin --email E
  npm run users -- set-password --email E (--password-stdin | --password-env NAME)
  npm run users -- show --email E
  npm run users -- disable --email E
  npm run users -- enable --email E
  npm run users -- end-logins --email E

In the image: node dist/src/main/users.js add ...

  --password-stdin   read the password from standard input
  --password-env     read it from the environment variable of this name
  --admin            make it an admin, who may use /admin
  --if-absent        an account that is there already is no error

  set-password       for somebody who has forgotten theirs. Ends all logins of the account
  disable            end all logins of the account, and let nobody log in to it until it is enabled
  end-logins         end all logins of the account, as it does by logging out everywhere

All of this counts at once, at every api.
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
  await withAccounts('healify-chat users', async ({ accounts, logins }) => {
    if (command === 'add') return add(accounts, email, values);
    if (command === 'set-password') return changePassword({ accounts, logins }, email, values);
    const admin = createAccountAdmin({ store: accounts, logins });
    const changes: Record<string, (email: string) => Promise<AdminAccount | undefined>> = {
      'grant-admin': (named) => admin.setRole(named, 'admin'),
      'revoke-admin': (named) => admin.setRole(named, 'user'),
      show: admin.find,
      disable: admin.disable,
      enable: admin.enable,
      'end-logins': admin.endLogins,
    };
    const change = changes[command];
    if (!change) throw new UsageError(`there is no command ${command}`);
    const account = await change(email.toLowerCase());
    if (!account) throw new UsageError(`there is no account for ${email}`);
    process.stdout.write(textOf(account));
  });
}

async function changePassword(
  { accounts, logins }: { accounts: AccountStore; logins: Logins },
  givenEmail: string,
  options: PasswordOptions,
): Promise<void> {
  const password = await readPassword(options['password-stdin'], options['password-env']);
  const { email } = parseCredentials(givenEmail, password);
  const account = await accounts.byEmail(email);
  if (!account) throw new UsageError(`there is no account for ${email}`);
  await setPassword({ store: accounts, passwords: createPasswords(), logins }, account, password);
  process.stdout.write(`${email} has a new password\n`);
}

const textOf = ({ email, userId, role, createdAt, disabledAt, logins }: AdminAccount) =>
  `${email}: ${role}, ${disabledAt === null ? 'enabled' : `disabled since ${disabledAt}`}, ${logins} open logins, ` +
  `made ${createdAt}, user id ${userId}\n`;

interface PasswordOptions {
  'password-stdin'?: boolean;
  'password-env'?: string;
}

/** @throws UsageError */
function parseCredentials(email: string, password: string): Credentials {
  const parsed = credentials.safeParse({ email, password });
  if (parsed.success) return parsed.data;
  throw new UsageError(parsed.error.issues.map((issue) => `${issue.path}: ${issue.message}`).join('; '));
}

async function add(
  accounts: AccountStore,
  givenEmail: string,
  options: PasswordOptions & { admin?: boolean; 'if-absent'?: boolean },
): Promise<void> {
  const password = await readPassword(options['password-stdin'], options['password-env']);
  const given = parseCredentials(givenEmail, password);
  const { email } = given;
  if (options['if-absent'] && (await accounts.byEmail(email))) {
    process.stdout.write(`${email} has an account already\n`);
    return;
  }
  const role = options.admin ? 'admin' : 'user';
  const { userId } = await registerAccount({ store: accounts, passwords: createPasswords() }, given, role);
  process.stdout.write(`made ${email} (${role}), user id ${userId}\n`);
}

async function readPassword(fromStdin: boolean | undefined, variable: string | undefined): Promise<string> {
  if (fromStdin) return (await text(process.stdin)).replace(/\r?\n$/, '');
  if (variable === undefined) throw new UsageError('--password-stdin or --password-env is missing');
  return process.env[variable] ?? '';
}

runCommand(main, { usageExitCode: 1 });
