import { readFile } from 'node:fs/promises';
import { erasure as erasureSchema } from '../contracts/erasures.ts';
import { type KindOfData, kindsOfData } from '../contracts/kept-data.ts';
import { flagOption, printer, readArguments, runCommand, UsageError } from './commands/command.ts';
import { withErasers } from './commands/erasers.ts';
import { keptText } from './commands/erasure-text.ts';

const HELP = `Erasures: shows receipts, and looks whether anything is left. Reads REDIS_URL, CACHE_REDIS_URL, MONGODB_URL and RABBITMQ_URL: from the
environment, .env, or what npm start has started. In the image: node dist/src/main/erasures.js verify ...

  npm run erasures -- show ERASURE          the erasure with this id, or the latest one of the user with this id
  npm run erasures -- verify RECEIPT|USER   looks into every store, and says what is left of the user. RECEIPT is the id of an
                                            erasure, or a file with its JSON

  --json
  --help

Exits with 0 if nothing is left, 1 if something is or the erasure is not finished, 2 if the command is not understood or there is no such
receipt or user. With Redis, it needs a Redis user that may SCAN.
`;

async function main(): Promise<void> {
  const { values, positionals } = readArguments({ json: flagOption });
  if (values.help) return void process.stdout.write(HELP);
  const [command, named, ...rest] = positionals;
  if (rest.length > 0) throw new UsageError(`unexpected argument: ${rest[0]}`);
  if (command !== 'show' && command !== 'verify') {
    throw new UsageError(command ? `there is no command ${command}` : 'a command is missing: show or verify');
  }
  if (named === undefined) throw new UsageError('an erasure, or a user, is missing');
  await withErasers('healify-chat erasures', async ({ dataEraser, erasures }) => {
    const given = await readReceipt(named);
    const found = given ?? (await erasures.find(named)) ?? (await erasures.ofUser(named));
    if (command === 'show') {
      if (!found) throw new UsageError(`there is no erasure ${named}`);
      return void process.stdout.write(`${JSON.stringify(found, null, 2)}\n`);
    }
    const of = found ? { userId: found.userId, sessionId: found.sessionId ?? undefined } : { userId: named };
    const counts = await dataEraser.survey(of, found?.erasureId);
    const left = Object.fromEntries(kindsOfData.filter((kind) => counts[kind] > 0).map((kind) => [kind, counts[kind]]));
    const isClosed = found?.sessionId ? true : await dataEraser.isClosed(of.userId);
    if (!found && !isClosed && Object.keys(left).length === 0) {
      throw new UsageError(`there is no receipt ${named}, and nothing is known of a user with this id`);
    }
    const state = found?.state ?? null;
    printer(values.json)({ ...of, state, isClosed, left }, () => verdictText(of.userId, { state, isClosed, counts }));
    if (Object.keys(left).length > 0 || state === 'erasing' || !isClosed) process.exitCode = 1;
  });
}

function verdictText(
  userId: string,
  { state, isClosed, counts }: { state: string | null; isClosed: boolean; counts: Record<KindOfData, number> },
): string {
  const lines = [keptText(userId, counts)];
  if (state === null) lines.push('There is no receipt of an erasure, or it is too old.\n');
  if (state === 'erasing') lines.push('The erasure is not finished. The api goes on with it.\n');
  if (!isClosed) lines.push('Messages of this user that come late are not refused: the user was not erased.\n');
  return lines.join('');
}

/** undefined: there is no such file. */
async function readReceipt(file: string) {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch {
    return undefined;
  }
  const read = erasureSchema.safeParse(jsonOf(text));
  if (!read.success) throw new UsageError(`${file} is no receipt`);
  return read.data;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

runCommand(main);
