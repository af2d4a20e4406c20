import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { createGateAdmin } from '../adapters/model/gate-admin.ts';
import { connectRedis } from '../adapters/redis/connect-redis.ts';
import { HealifyError } from '../contracts/errors.ts';
import type { Gate } from '../contracts/gates.ts';
import { createLogger } from '../observability/log.ts';

const HELP = `Gates: whether each model provider may be asked, for all workers together. Reads REDIS_URL and NAMESPACE: from the
environment, from .env, or from what npm start has started. In the image: node dist/src/main/gates.js list

  npm run gates -- list         all gates: closed (it may be asked), open (not now), half-open (one call tries it)
  npm run gates -- open GATE    have it asked again at once; GATE as list shows it, or --all

  --all      open every gate
  --json     print JSON
  --help

Causes: failures (too many calls failed), retry-after (the provider asked for a pause), and for a provider that fails
everybody: key (it refuses our key), quota (our quota or credit is used up) or model (no such model or address).
Exits with 0 if all went well, 1 if something failed, 2 if the command is not understood.
`;

const STORE_TIMEOUT_MS = 5_000;

class UsageError extends Error {}

async function main(): Promise<void> {
  const { values, positionals } = read();
  if (values.help) return void process.stdout.write(HELP);
  const [command, name, ...rest] = positionals;
  if (rest.length > 0) throw new UsageError(`what is ${rest[0]}?`);
  if (command !== 'list' && command !== 'open') {
    throw new UsageError(command ? `there is no command ${command}` : 'a command is missing: list or open');
  }
  if (command === 'list' && (name !== undefined || values.all)) throw new UsageError('list takes no gate');
  if (command === 'open' && (name === undefined) === !values.all)
    throw new UsageError('open which gate? A name, or --all');

  const { REDIS_URL: url } = process.env;
  if (!url || !URL.canParse(url)) throw new UsageError('REDIS_URL is not set, or no URL');
  const logger = createLogger('api', 'silent');
  const { REDIS_CA_FILE } = process.env;
  const ca = REDIS_CA_FILE ? readFileSync(REDIS_CA_FILE) : undefined;
  const redis = connectRedis({
    ...{ url, ca, name: 'healify-chat gates', logger, commandTimeoutMs: STORE_TIMEOUT_MS },
    // Workers hear of it on the channels of their installation.
    ...(process.env.NAMESPACE && { namespace: process.env.NAMESPACE }),
  });
  try {
    await new Promise<void>((resolve, reject) => {
      redis.once('ready', resolve);
      setTimeout(() => reject(new Error('Redis cannot be reached at REDIS_URL')), STORE_TIMEOUT_MS).unref();
    });
    const gates = createGateAdmin(redis);
    const print = <T>(result: T, toText: (result: T) => string) =>
      process.stdout.write(values.json ? `${JSON.stringify(result, null, 2)}\n` : toText(result));
    if (command === 'list') return void print(await gates.list(), listText);
    const names = values.all ? (await gates.list()).map(({ gate }) => gate) : [name!];
    const opened = [];
    for (const each of names) {
      const result = await gates.open(each);
      if (!result) throw new Error(`there is no gate ${each}; list shows them`);
      opened.push(result);
    }
    print(opened, (all) =>
      all
        .map(({ gate, wasShut }) => `${gate}: ${wasShut ? 'may be asked again' : 'could be asked already'}\n`)
        .join(''),
    );
  } finally {
    redis.disconnect();
  }
}

function read() {
  const flag = { type: 'boolean' } as const;
  try {
    return parseArgs({ allowPositionals: true, options: { all: flag, json: flag, help: { ...flag, short: 'h' } } });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function listText(gates: Gate[]): string {
  if (gates.length === 0) return 'No worker has run within a day, so there is no gate to show.\n';
  return gates
    .map(({ gate, state, cause, since, until, keyFingerprint }) => {
      if (state === 'closed') return `${gate}: closed, it may be asked\n`;
      const key = keyFingerprint ? `, key ${keyFingerprint}` : '';
      return `${gate}: ${state} because of ${cause}, since ${since}, until ${until}${key}\n`;
    })
    .join('');
}

main().catch((error: unknown) => {
  const code = error instanceof HealifyError ? `${error.code}: ` : '';
  process.stderr.write(`${code}${error instanceof Error ? error.message : String(error)}\n`);
  if (error instanceof UsageError) process.stderr.write('See --help.\n');
  process.exitCode = error instanceof UsageError ? 2 : 1;
});
