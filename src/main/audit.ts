import { createReadStream } from 'node:fs';
import { access, constants } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { pipeline } from 'node:stream/promises';
import type { AuditEntry, AuditStore, Head } from '../adapters/audit/audit-store.ts';
import { BrokenEntryError, type Verified, verifyEntries } from '../adapters/audit/verify-entries.ts';
import { auditTrail } from '../config/settings/audit-trail.ts';
import type { AuditTrail } from '../contracts/audit.ts';
import { timestamp } from '../contracts/scalars.ts';
import { byCommand, withAuditTrail } from './commands/audit-trail.ts';
import { mustBelong, readArguments, runCommand, textOption, UsageError } from './commands/command.ts';
import { countLine } from './commands/count-line.ts';
import { readSetting } from './commands/read-setting.ts';

const HELP = `Audit trail: exports and verifies it. Reads AUDIT_KEYS, MONGODB_URL and REDIS_URL: from the environment, from .env, or from what
npm start has started. In the image: node dist/src/main/audit.js verify

  npm run audit -- export [--since TIME] [--until TIME] > audit.ndjson
  npm run audit -- verify [FILE] [--head NUMBER:HASH]

  export   writes the entries to standard output, one a line (NDJSON). The export is recorded
  verify   reads the whole trail, or an exported file, and says whether all entries are as they were written and in their place,
           or which is the first that is not
  --since  ISO 8601. The first entry is the first from that time on
  --until  ISO 8601. The last entry is the last from before that time. All entries in between are exported
  --head   an entry that an api has logged as the last: it must be there. Without it, nobody sees if the last entries were cut off
  --help

Seals are verified if AUDIT_KEYS is set.
Exits with 0 if all went well, 1 if something failed or the trail is broken, 2 if the command is not understood or there is no such file.
`;

const NAME = 'healify-chat audit';

async function main(): Promise<void> {
  const { values, positionals } = readArguments({ since: textOption, until: textOption, head: textOption });
  if (values.help) return void process.stdout.write(HELP);
  const [command, file, ...rest] = positionals;
  if (command !== 'export' && command !== 'verify') {
    throw new UsageError(command ? `there is no command ${command}` : 'a command is missing: export or verify');
  }
  const unexpected = command === 'export' ? file : rest[0];
  if (unexpected !== undefined) throw new UsageError(`unexpected argument: ${unexpected}`);
  mustBelong(command, values, command === 'export' ? ['since', 'until'] : ['head']);
  if (command === 'export') {
    const range = { since: timeOf('since', values.since), until: timeOf('until', values.until) };
    return withAuditTrail(NAME, (audit) => exportEntries(audit, range));
  }
  const head = headOf(values.head);
  if (file !== undefined) {
    await access(file, constants.R_OK).catch(() => {
      throw new UsageError(`there is no file ${file} that can be read`);
    });
    return verify(linesOf(file), head, 'The file');
  }
  await withAuditTrail(NAME, ({ store }) => verify(textsOf(store, 1), head, 'The trail'));
}

/** Reads the trail twice: first to find which entries are meant, and then to write them. So it needs no memory for them. */
async function exportEntries(
  { store, trail }: { store: AuditStore; trail: AuditTrail },
  { since, until }: { since: string | undefined; until: string | undefined },
): Promise<void> {
  const [from, to] = [
    since ? Date.parse(since) : Number.NEGATIVE_INFINITY,
    until ? Date.parse(until) : Number.POSITIVE_INFINITY,
  ];
  let first: number | undefined;
  let last = 0;
  for await (const { number, text } of store.read(1)) {
    const at = Date.parse((JSON.parse(text) as AuditEntry).at);
    if (at < from || at >= to) continue;
    first ??= number;
    last = number;
  }
  const count = first === undefined ? 0 : last - first + 1;
  await trail.record({
    ...{ action: 'trail.export', actor: byCommand('audit'), outcome: 'done' },
    details: { count, filter: { ...(since && { since }), ...(until && { until }) } },
  });
  const say = countLine(process.stderr, `of ${count} entries`);
  async function* lines() {
    if (first === undefined) return;
    let written = 0;
    for await (const { number, text } of store.read(first)) {
      if (number > last) return;
      yield `${text}\n`;
      say(++written);
    }
  }
  await pipeline(lines(), process.stdout, { end: false });
  process.stderr.write(`${count} entries exported\n`);
}

async function verify(texts: AsyncIterable<string>, head: Head | undefined, what: string): Promise<void> {
  const keys = readSetting(auditTrail.auditKeys);
  const say = countLine(process.stderr, 'entries');
  let read = 0;
  const verified = await verifyEntries(texts, { keys, head, onEntry: () => say(++read) });
  process.stdout.write(`${what} has ${textOf(verified, keys.length > 0)}\n`);
  if (verified.before === 'unknown' && what === 'The trail') {
    throw new BrokenEntryError(
      1,
      verified.first,
      'no entry says that those before it were removed because of their age.',
    );
  }
  if (verified.hasHead === false)
    throw new Error(`Entry ${head!.number} with this hash is missing: the last entries were cut off.`);
}

function textOf({ entries, first, last, unsealed, before }: Verified, areSealsRead: boolean): string {
  if (!last) return 'no entries.';
  const seals = areSealsRead
    ? `${entries - unsealed} have the right seal, ${unsealed} are older than the first seal.`
    : 'Seals were not verified, because AUDIT_KEYS is not set.';
  const beginning = {
    nothing: '',
    removed: ` Those before entry ${first} were removed because of their age.`,
    unknown: ` What was before entry ${first} does not show.`,
  };
  return `${entries} entries, ${first} to ${last.number}, unbroken. ${seals}${beginning[before]} The last is ${last.number}:${last.hash}.`;
}

function timeOf(option: string, text: string | undefined): string | undefined {
  if (text === undefined || timestamp.safeParse(text).success) return text;
  throw new UsageError(`--${option} must be a time in ISO 8601, such as 2026-01-31T12:00:00Z`);
}

function headOf(text: string | undefined): Head | undefined {
  if (text === undefined) return undefined;
  const [, number, hash] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text) ?? [];
  if (number === undefined || hash === undefined)
    throw new UsageError('--head must be NUMBER:HASH, as an api has logged them');
  return { number: Number(number), hash };
}

async function* textsOf(store: AuditStore, from: number): AsyncGenerator<string> {
  for await (const { text } of store.read(from)) yield text;
}

const linesOf = (file: string): AsyncIterable<string> =>
  createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY });

runCommand(main);
