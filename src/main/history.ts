import { readArguments, runCommand, textOption, UsageError } from './commands/command.ts';
import { exportHistory } from './history/export-history.ts';
import { withHistoryStores } from './history/history-stores.ts';
import { importHistory } from './history/import-history.ts';
import { createHistoryProgress } from './history/progress.ts';

const HELP = `History: moves conversations, feedback and accounts between Redis and MongoDB, through a file (NDJSON). Reads REDIS_URL,
MONGODB_URL and HISTORY_RETENTION: from the environment, from .env, or from what npm start has started. In the image: node
dist/src/main/history.js export --from redis --file history.ndjson

  npm run history -- export --from redis|mongodb --file FILE
  npm run history -- import --to redis|mongodb --file FILE

  --file FILE  the file has texts of users and hashes of passwords: keep it safe, and delete it afterwards. Encrypted texts are
               moved as they are, with the keys of users, which ENCRYPTION_KEYS have wrapped
  --help

Both can be interrupted and called again with the same file. Then they go on where they were. What the other store has already
stays as it is. Questions without an end are left out, and so are logins: everybody logs in again. An export from Redis needs a
Redis user that may SCAN. Stop the apis first, so that nothing changes meanwhile.
Exits with 0 if all went well, 1 if something failed, 2 if the command is not understood.
`;

async function main(): Promise<void> {
  const { values, positionals } = readArguments({ from: textOption, to: textOption, file: textOption });
  if (values.help) return void process.stdout.write(HELP);
  const [command, ...rest] = positionals;
  if (rest.length > 0) throw new UsageError(`unexpected argument: ${rest[0]}`);
  if (command !== 'export' && command !== 'import') {
    throw new UsageError(command ? `there is no command ${command}` : 'a command is missing: export or import');
  }
  const { from, to, file } = values;
  if (file === undefined) throw new UsageError('--file is missing');
  if ((command === 'export' ? to : from) !== undefined)
    throw new UsageError(command === 'export' ? '--to belongs to import' : '--from belongs to export');
  const isExport = command === 'export';
  const progress = createHistoryProgress(process.stderr, isExport ? 'exported' : 'imported');
  const move = isExport ? exportHistory : importHistory;
  await withHistoryStores(isExport ? from : to, (stores) => move(stores, file, progress.add)).finally(progress.end);
}

runCommand(main);
