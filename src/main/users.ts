import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { createRedisAccountStore } from '../adapters/accounts/redis-account-store.ts';
import { connectRedis } from '../adapters/redis/connect-redis.ts';
import { registerAccount } from '../api/auth/accounts.ts';
import { createPasswords } from '../api/auth/passwords.ts';
import { HealifyError } from '../contracts/errors.ts';
import { credentials } from '../contracts/http/account-bodies.ts';
import { createLogger } from '../observability/log.ts';

const HELP = `Accounts of the API, from the command line. Reads REDIS_URL: from the environment, .env, or what npm start has started.

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
const STORE_TIMEOUT_MS = 5_000;

class UsageError extends Error {}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      email: { type: 'string' },
      'password-stdin': { type: 'boolean' },
      'password-env': { type: 'string' },
      admin: { type: 'boolean' },
      'if-absent': { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  const [command] = positionals;
  if (values.help) return void process.stdout.write(HELP);
  if (!process.env.REDIS_URL) throw new UsageError('REDIS_URL is not set');
  if (!values.email) throw new UsageError('--email is missing');

  const logger = createLogger('api', 'silent');
  const redis = connectRedis({
    url: process.env.REDIS_URL,
    ca: process.env.REDIS_CA_FILE ? readFileSync(process.env.REDIS_CA_FILE) : undefined,
    name: 'healify-chat users',
    logger,
    commandTimeoutMs: STORE_TIMEOUT_MS,
  });
  const accounts = createRedisAccountStore({ redis });
  try {
    await new Promise<void>((resolve, reject) => {
      redis.once('ready', resolve);
      setTimeout(() => reject(new UsageError('REDIS_URL cannot be reached')), STORE_TIMEOUT_MS).unref();
    });
    if (command === 'add') await add();
    else if (command === 'grant-admin') await setRole(values.email.toLowerCase(), 'admin');
    else if (command === 'revoke-admin') await setRole(values.email.toLowerCase(), 'user');
    else throw new UsageError(`there is no command ${command ?? ''}`);
  } finally {
    redis.disconnect();
  }

  async function add(): Promise<void> {
    const password = await readPassword(values['password-stdin'], values['password-env']);
    const parsed = credentials.safeParse({ email: values.email, password });
    if (!parsed.success) {
      throw new UsageError(parsed.error.issues.map((issue) => `${issue.path}: ${issue.message}`).join('; '));
    }
    const { email } = parsed.data;
    if (values['if-absent'] && (await accounts.byEmail(email))) {
      process.stdout.write(`${email} has an account already\n`);
      return;
    }
    const role = values.admin ? 'admin' : 'user';
    const { userId } = await registerAccount({ store: accounts, passwords: createPasswords() }, parsed.data, role);
    process.stdout.write(`made ${email} (${role}), user id ${userId}\n`);
  }

  async function setRole(email: string, role: 'admin' | 'user'): Promise<void> {
    if (!(await accounts.setRole(email, role))) throw new UsageError(`there is no account for ${email}`);
    process.stdout.write(`${email} is ${role === 'admin' ? 'an admin' : 'no admin'} now\n`);
  }
}

async function readPassword(fromStdin: boolean | undefined, variable: string | undefined): Promise<string> {
  if (fromStdin) return (await text(process.stdin)).replace(/\r?\n$/, '');
  if (variable === undefined) throw new UsageError('--password-stdin or --password-env is missing');
  return process.env[variable] ?? '';
}

main().catch((error: unknown) => {
  if (error instanceof HealifyError) process.stderr.write(`${error.code}: ${error.message}\n`);
  else process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  if (error instanceof UsageError) process.stderr.write('See --help.\n');
  process.exitCode = 1;
});
