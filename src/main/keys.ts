import type { Db } from 'mongodb';
import { admitMasterKeys } from '../adapters/encryption/admit-master-keys.ts';
import { rotateKeys } from '../adapters/encryption/rotate-keys.ts';
import { encryption } from '../config/settings/encryption.ts';
import { MasterKeyMissingError } from '../contracts/errors.ts';
import { auditedByCommand } from './commands/audit-trail.ts';
import { readArguments, runCommand, UsageError } from './commands/command.ts';
import { countLine } from './commands/count-line.ts';
import { withMongoDb } from './commands/mongodb-connection.ts';
import { readSetting } from './commands/read-setting.ts';
import { withRedis } from './commands/redis-connection.ts';
import { dataKeyStoreOf, masterKeysOf } from './encryption.ts';

const HELP = `Keys: changes the master key that the keys of users are wrapped with. Reads ENCRYPTION_KEYS, REDIS_URL and MONGODB_URL: from
the environment, from .env, or from what npm start has started. In the image: node dist/src/main/keys.js rotate

  npm run keys -- rotate   wraps all keys of users with the first master key

  --help

To change the master key: add a new one at the end of ENCRYPTION_KEYS, and start all processes again. Move it to the front, and
start them again. Run this command. Then the others can be left out. Texts are not encrypted again. With keys in Redis, it
needs a Redis user that may SCAN. It can be interrupted and called again.
Exits with 0 if all went well, 1 if something failed, 2 if the command is not understood.
`;

async function main(): Promise<void> {
  const { values, positionals } = readArguments({});
  if (values.help) return void process.stdout.write(HELP);
  const [command, ...rest] = positionals;
  if (rest.length > 0) throw new UsageError(`unexpected argument: ${rest[0]}`);
  if (command !== 'rotate') {
    throw new UsageError(command ? `there is no command ${command}` : 'a command is missing: rotate');
  }
  const name = 'healify-chat keys';
  await withRedis(name, async (redis) => {
    const rotate = async (db: Db | undefined) => {
      const masterKeys = masterKeysOf(readSetting(encryption.encryptionKeys));
      if (!masterKeys) throw new UsageError('ENCRYPTION_KEYS is not set');
      const store = dataKeyStoreOf({ redis, db });
      const problem = await admitMasterKeys(store, masterKeys);
      if (problem !== undefined) throw new MasterKeyMissingError(problem);
      const event = { action: 'key.rotate' as const, details: { after: masterKeys.current } };
      const rotateAll = () => rotateKeys({ store, masterKeys, onKey: countLine(process.stderr, 'keys') });
      const { wrapped, destroyed } = await auditedByCommand('keys', event, rotateAll, (done) => ({
        details: { count: done.wrapped },
      }));
      process.stdout.write(
        `${masterKeys.current} wraps all ${wrapped} keys now. ${destroyed} keys are destroyed. Other master keys can be left out.\n`,
      );
    };
    if (!(await withMongoDb(name, rotate))) await rotate(undefined);
  });
}

runCommand(main);
