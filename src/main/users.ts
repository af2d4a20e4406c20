import { text } from 'node:stream/consumers';
import { renderUnicodeCompact } from 'uqr';
import { type Credentials, createAccount } from '../api/auth/accounts.ts';
import { markVerified } from '../api/auth/email-proofs.ts';
import { createAccountAdmin } from '../api/auth/manage-accounts.ts';
import { createPasswords } from '../api/auth/passwords.ts';
import { enrolSecondFactor } from '../api/auth/second-factor.ts';
import { setPassword } from '../api/auth/set-password.ts';
import { type Role, roles } from '../contracts/account.ts';
import type { AuditAction, AuditTrail } from '../contracts/audit.ts';
import { audited } from '../contracts/audited.ts';
import { credentials } from '../contracts/http/account-bodies.ts';
import type { AdminAccount } from '../contracts/http/admin-account-bodies.ts';
import { id } from '../contracts/scalars.ts';
import { type AccountStores, withAccounts } from './commands/accounts.ts';
import { byCommand } from './commands/audit-trail.ts';
import { flagOption, mustBelong, readArguments, runCommand, textOption, UsageError } from './commands/command.ts';
import { type Erasers, withErasers } from './commands/erasers.ts';
import { keptText } from './commands/erasure-text.ts';
import { listAccounts } from './commands/list-accounts.ts';
import { printable } from './commands/printable.ts';

const HELP = `Accounts of the API, from the command line. Reads MONGODB_URL and REDIS_URL: from the environment, .env, or what npm start has started.

  npm run users -- add --email E (--password-stdin | --password-env NAME) [--role ROLE] [--if-absent]
  npm run users -- invite
  npm run users -- set-role (--email E | --user-id U) --role ROLE
  npm run users -- grant-admin (--email E | --user-id U)
  npm run users -- revoke-admin (--email E | --user-id U)
  npm run users -- set-tenant (--email E | --user-id U) [--tenant T]
  npm run users -- set-password --email E (--password-stdin | --password-env NAME)
  npm run users -- list [--search TEXT] [--role ROLE] [--state S] [--second-factor F] [--limit N] [--cursor C] [--json]
  npm run users -- show (--email E | --user-id U)
  npm run users -- disable (--email E | --user-id U)
  npm run users -- enable (--email E | --user-id U)
  npm run users -- end-logins (--email E | --user-id U)
  npm run users -- enroll-totp --email E
  npm run users -- reset-totp (--email E | --user-id U)
  npm run users -- erase (--email E | --user-id U) [--dry-run | --yes]

In the image: node dist/src/main/users.js add ...

  --password-stdin   read the password from standard input
  --password-env     read it from the environment variable of this name
  --role             user, operator, privacy_officer or admin; left out: user. docs/security.md says what each may do
  --admin            the same as --role admin
  --if-absent        an account that is there already is no error
  --tenant           the organisation of the user, for CACHE_SCOPE=tenant. Without it, the user belongs to none

  list               the accounts, in the order of their emails
  --search           only accounts with this part of an email. A whole email finds its account only
  --state            only accounts that are enabled or disabled
  --second-factor    only accounts with or without one
  --limit            at most so many: 1 to 100, 50 if left out
  --cursor           the next page; the one before says it

  invite             make an invite, with which one person can make an account. It expires after INVITE_TTL
  set-password       for somebody who has forgotten theirs. Ends all logins of the account
  disable            end all logins of the account, and let nobody log in to it until it is enabled
  end-logins         end all logins of the account, as it does by logging out everywhere

  enroll-totp        set up an authenticator app for somebody: prints the secret as a QR code, and the recovery codes. Reads
                     ENCRYPTION_KEYS, which must be those of the apis. People can also do it themselves, on the chat page
  reset-totp         take the second factor of somebody away who has lost it. Ends all logins of the account

  grant-admin        the same as set-role --role admin
  revoke-admin       the same as set-role --role user

  erase              erase everything that is kept of a user, for ever: see docs/erasure.md. Also reads RABBITMQ_URL and
                     CACHE_REDIS_URL, and prints the receipt. With Redis, it needs a Redis user that may SCAN
  --user-id          in place of --email, for somebody who logs in at an identity provider; audit trail and jobs name it
  --dry-run          change nothing, only count what there is
  --yes              really erase it

All of this counts at once, at every api; a tenant from the next refresh of each login on. The audit trail records it. With SMTP_URL,
MAIL_FROM and PUBLIC_URL, people get a mail if their password, their second factor or their role has changed.
Exits with 0 if all went well, 1 if something failed, 2 if the command is not understood or there is no such account.
`;

/** All commands, and the options of each, as the help has them. */
const COMMANDS = new Map(
  [...HELP.matchAll(/npm run users -- ([\w-]+)(.*)/g)].map(([, command, options]) => [
    command!,
    [...options!.matchAll(/--([\w-]+)/g)].map(([, option]) => option!),
  ]),
);

async function main(): Promise<void> {
  const { values, positionals } = readArguments({
    email: textOption,
    'password-stdin': flagOption,
    'password-env': textOption,
    role: textOption,
    admin: flagOption,
    'if-absent': flagOption,
    'user-id': textOption,
    'dry-run': flagOption,
    yes: flagOption,
    tenant: textOption,
    search: textOption,
    state: textOption,
    'second-factor': textOption,
    limit: textOption,
    cursor: textOption,
    json: flagOption,
  });
  if (values.help) return void process.stdout.write(HELP);
  const [command = '', ...rest] = positionals;
  const options = COMMANDS.get(command);
  if (!options) {
    throw new UsageError(command ? `there is no command ${command}` : 'a command is missing, such as show or add');
  }
  if (rest.length > 0) throw new UsageError(`unexpected argument: ${rest[0]}`);
  mustBelong(command, values, options.includes('role') && command !== 'list' ? [...options, 'admin'] : options);
  if (values.email !== undefined && values['user-id'] !== undefined)
    throw new UsageError('give either --email or --user-id');
  const name = values.email?.toLowerCase() ?? values['user-id'];
  const { email = '' } = values;
  if (command === 'invite') return withAccounts('healify-chat users', invite);
  if (command === 'erase') {
    return await withErasers('healify-chat users', (erasers) =>
      eraseUser(erasers, { ...values, userId: values['user-id'] }),
    );
  }
  if (command === 'list') {
    return await withAccounts('healify-chat users', ({ accounts: store, logins, notices, trail }) =>
      listAccounts({ admin: createAccountAdmin({ store, logins, notices }), trail }, values),
    );
  }
  if (!name) throw new UsageError('--email or --user-id is missing');
  const needsEmail = ['add', 'set-password', 'enroll-totp'].includes(command);
  if (needsEmail && !email) throw new UsageError('--email is missing');
  const role = roleOf(values.admin ? 'admin' : values.role);
  await withAccounts('healify-chat users', async (stores) => {
    const { accounts, logins, notices, trail } = stores;
    if (command === 'add') return add(stores, email, role ?? 'user', values);
    if (command === 'set-password') return changePassword(stores, email, values);
    if (command === 'enroll-totp') return enrolTotp(stores, email.toLowerCase());
    if (command === 'set-role' && !role) throw new UsageError('--role is missing');
    const admin = createAccountAdmin({ store: accounts, logins, notices });
    const setRole = (to: Role): Change => ({
      action: 'account.role',
      after: to,
      make: (named) => admin.setRole(named, to),
    });
    const changes: Record<string, Change> = {
      'set-role': setRole(role ?? 'user'),
      'grant-admin': setRole('admin'),
      'revoke-admin': setRole('user'),
      'set-tenant': { action: 'account.tenant', make: (named) => admin.setTenant(named, readTenant(values.tenant)) },
      disable: { action: 'account.disable', make: admin.disable },
      enable: { action: 'account.enable', make: admin.enable },
      'reset-totp': { action: 'account.second_factor', after: 'removed', make: admin.resetSecondFactor },
      'end-logins': { action: 'account.end_logins', make: admin.endLogins },
    };
    const change = changes[command];
    const found = await admin.find(name);
    const account = found && change ? await changed(trail, found, change) : found;
    if (!account) throw new UsageError(`there is no account for ${name}`);
    process.stdout.write(textOf(account));
  });
}

async function invite({ invites, trail }: AccountStores): Promise<void> {
  const made = await audited(trail, { action: 'account.invite', actor: byCommand('users') }, invites.make);
  process.stdout.write(`invite ${made.invite}, until ${made.expiresAt}\n`);
}

interface Change {
  action: AuditAction;
  /** The new role, or what became of the second factor. */
  after?: Role | 'removed';
  make: (email: string) => Promise<AdminAccount | undefined>;
}

const changed = (trail: AuditTrail, found: AdminAccount, { action, after, make }: Change) =>
  audited(
    trail,
    {
      ...{ action, actor: byCommand('users'), subject: { kind: 'account', id: found.userId } },
      ...(after && { details: { ...(action === 'account.role' && { before: found.role }), after } }),
    },
    () => make(found.userId),
  );

/** @throws UsageError */
function roleOf(name: string | undefined): Role | undefined {
  const role = roles.find((each) => each === name);
  if (name !== undefined && !role) throw new UsageError(`--role must be one of ${roles.join(', ')}`);
  return role;
}

async function changePassword(
  { accounts, logins, notices, trail }: AccountStores,
  givenEmail: string,
  options: PasswordOptions,
): Promise<void> {
  const password = await readPassword(options['password-stdin'], options['password-env']);
  const { email } = parseCredentials(givenEmail, password);
  const account = await accounts.byEmail(email);
  if (!account) throw new UsageError(`there is no account for ${email}`);
  const subject = { kind: 'account', id: account.userId } as const;
  await audited(trail, { action: 'account.password', actor: byCommand('users'), subject }, () =>
    setPassword({ store: accounts, passwords: createPasswords(), logins, notices }, account, password),
  );
  process.stdout.write(`${email} has a new password\n`);
}

async function enrolTotp({ accounts, seals, notices, trail }: AccountStores, email: string): Promise<void> {
  const account = await accounts.byEmail(email);
  if (!account) throw new UsageError(`there is no account for ${email}`);
  const textSeals = await seals();
  const event = {
    ...{ action: 'account.second_factor' as const, actor: byCommand('users'), details: { after: 'set_up' } },
    subject: { kind: 'account' as const, id: account.userId },
  };
  const made = await audited(trail, event, async () => {
    const enrolled = await enrolSecondFactor({ store: accounts, seals: textSeals, notices }, account.userId);
    if (!enrolled) throw new UsageError(`${email} has a second factor already; reset-totp takes it away`);
    return enrolled;
  });
  process.stdout.write(
    `${renderUnicodeCompact(made.uri)}\n\n${made.uri}\n\nrecovery codes, each counts once:\n  ${made.recoveryCodes.join('\n  ')}\n`,
  );
}

/** Prints what there is, or the receipt. */
async function eraseUser(
  { dataEraser, accounts, trail }: Erasers,
  options: { email?: string; userId?: string | undefined; 'dry-run'?: boolean; yes?: boolean },
): Promise<void> {
  const { email, userId: given, 'dry-run': dryRun, yes } = options;
  if ((email === undefined) === (given === undefined)) throw new UsageError('give either --email or --user-id');
  const userId = given ?? (await accounts.byEmail(email!.toLowerCase()))?.userId;
  if (userId === undefined) throw new UsageError(`there is no account for ${email}`);
  if (dryRun || !yes) {
    process.stdout.write(keptText(userId, await dataEraser.survey({ userId })));
    if (!dryRun) throw new UsageError('--yes is missing: this cannot be undone');
    return;
  }
  const event = {
    action: 'account.erase',
    actor: byCommand('users'),
    subject: { kind: 'account', id: userId },
  } as const;
  const { erasureId } = await audited(trail, event, () => dataEraser.begin({ userId }, 'operator'));
  const erasure = await dataEraser.run(erasureId);
  process.stdout.write(`${JSON.stringify(erasure, null, 2)}\n`);
  if (erasure.state !== 'erased') throw new Error(`it is not finished (${erasure.waitsFor}); the api goes on with it`);
}

/** @throws UsageError */
function readTenant(given: string | undefined): string | undefined {
  const read = id.optional().safeParse(given);
  if (read.success) return read.data;
  throw new UsageError('--tenant must be the id of an organisation');
}

const textOf = ({
  email,
  atProvider,
  userId,
  role,
  tenantId,
  createdAt,
  disabledAt,
  secondFactorAt,
  lastLoginAt,
  logins,
}: AdminAccount) =>
  `${email === null ? 'no email' : printable(email)}${atProvider ? ' (logs in at the identity provider)' : ''}: ${role}, ${tenantId === null ? '' : `of ${printable(tenantId)}, `}${disabledAt === null ? 'enabled' : `disabled since ${disabledAt}`}, ` +
  `${secondFactorAt === null ? 'without' : 'with'} a second factor, ${logins} open ${logins === 1 ? 'login' : 'logins'}, ` +
  `${lastLoginAt === null ? 'no login is known' : `last login ${lastLoginAt}`}, ` +
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
  { accounts, trail }: AccountStores,
  givenEmail: string,
  role: Role,
  options: PasswordOptions & { 'if-absent'?: boolean },
): Promise<void> {
  const password = await readPassword(options['password-stdin'], options['password-env']);
  const given = parseCredentials(givenEmail, password);
  const { email } = given;
  if (options['if-absent'] && (await accounts.byEmail(email))) {
    process.stdout.write(`${email} has an account already\n`);
    return;
  }
  const userId = await createAccount({ store: accounts, passwords: createPasswords() }, given, role);
  if (userId === undefined) throw new UsageError(`${email} has an account already`);
  // Whoever runs this command answers for the email.
  await markVerified(accounts, userId);
  await trail.record({
    ...{ action: 'account.register', actor: byCommand('users'), outcome: 'done', details: { after: role } },
    subject: { kind: 'account', id: userId },
  });
  process.stdout.write(`made ${email} (${role}), user id ${userId}\n`);
}

async function readPassword(fromStdin: boolean | undefined, variable: string | undefined): Promise<string> {
  if (fromStdin) return (await text(process.stdin)).replace(/\r?\n$/, '');
  if (variable === undefined) throw new UsageError('--password-stdin or --password-env is missing');
  return process.env[variable] ?? '';
}

runCommand(main);
