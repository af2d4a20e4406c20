import type { z } from 'zod';
import { filterOf } from '../api/audit.ts';
import { createDeadLetterAdmin } from '../bridge/redrive/dead-letter-admin.ts';
import { rabbitMqAndRedis } from '../config/settings/rabbitmq-and-redis.ts';
import { cutText } from '../contracts/cut-text.ts';
import {
  type DropReport,
  dropOptions,
  type LetterGroups,
  letterFilter,
  type RedriveReport,
  redriveOptions,
  showBodiesOptions,
} from '../contracts/dead-letters.ts';
import { REQUESTS_QUEUE, RESPONSES_QUEUE, type WorkQueue } from '../contracts/queues.ts';
import type { BodySeals, TextSeals } from '../contracts/sealing.ts';
import { brokerAddressOf } from './broker-address.ts';
import { auditedByCommand } from './commands/audit-trail.ts';
import {
  flagOption,
  mustBelong,
  printer,
  readArguments,
  runCommand,
  textOption,
  UsageError,
} from './commands/command.ts';
import { dropText, groupsText, pageText, redriveText } from './commands/dlq-text.ts';
import { progressLine } from './commands/progress-line.ts';
import { readSetting } from './commands/read-setting.ts';
import { withSeals } from './commands/seals.ts';

const HELP = `Dead letters: messages that could not be processed. Finds RabbitMQ by RABBITMQ_URL: in the environment, in .env, or where
npm start has started one. In the image: node dist/src/main/dlq.js list
What is shown, redriven or dropped is recorded in the audit trail, in MONGODB_URL or REDIS_URL.

  npm run dlq -- list    [chat_requests|chat_responses]   how many there are, and why
  npm run dlq -- show    chat_requests|chat_responses     what they are
  npm run dlq -- redrive chat_requests|chat_responses     send them back to their queue
  npm run dlq -- drop    chat_requests|chat_responses     remove them for good

  --reason R        only letters with this reason, as list shows it
  --message-id ID   only letters with this message id
  --older-than AGE  only letters that have been dead letters for longer: 30s, 15m, 1h, 7d
  --newer-than AGE  only letters that became dead letters later than that
  --limit N         show, redrive or drop at most N (default: 20 shown, 1000 redriven or dropped)
  --full            show whole bodies
  --because TEXT    show: why you must read them. The audit trail keeps it
  --dry-run         redrive, drop: change nothing, only count the letters
  --canary N        redrive: send N, wait, and go on only if none of them comes back
  --rate N          redrive: send at most N a second
  --yes             drop: really remove them
  --json            print JSON
  --help

Only the oldest million letters of a queue are looked at. Exits with 0 if all went well, 1 if something failed, the
canary did, or there is no letter with the --message-id, 2 if the command is not understood.
Where texts are encrypted, show and redrive also read ENCRYPTION_KEYS, REDIS_URL and MONGODB_URL. Show opens the texts in messages of
apis and workers, too, or says that it cannot. A letter that is encrypted as a whole and cannot be opened is shown in base64, and not
sent back.
`;

const NAME = 'healify-chat dead letters';
const ALL_QUEUES: readonly WorkQueue[] = [REQUESTS_QUEUE, RESPONSES_QUEUE];

async function main(): Promise<void> {
  const { values, positionals } = readArguments({
    reason: textOption,
    'message-id': textOption,
    'older-than': textOption,
    'newer-than': textOption,
    limit: textOption,
    canary: textOption,
    rate: textOption,
    full: flagOption,
    because: textOption,
    'dry-run': flagOption,
    yes: flagOption,
    json: flagOption,
  });
  if (values.help) return void process.stdout.write(HELP);
  const [command, name, ...rest] = positionals;
  const allowed = command === undefined ? undefined : FLAGS[command];
  if (command === undefined || !allowed) {
    throw new UsageError(command ? `there is no command ${command}` : 'a command is missing');
  }
  if (rest.length > 0) throw new UsageError(`unexpected argument: ${rest[0]}`);
  mustBelong(command, values, allowed);
  const queue = queueOf(name);
  const print = printer(values.json);
  const filter = {
    reason: values.reason,
    messageId: values['message-id'],
    olderThan: values['older-than'],
    newerThan: values['newer-than'],
  };
  const more = { limit: values.limit, dryRun: values['dry-run'] };

  if (command === 'list') {
    const wanted = parse(letterFilter, filter);
    const admin = connectAdmin();
    const lists: LetterGroups[] = [];
    for (const each of queue ? [queue] : ALL_QUEUES) lists.push(await admin.list(each, wanted));
    mustHaveFound(filter.messageId, lists);
    print(lists, () => lists.map(groupsText).join(''));
    return;
  }
  if (!queue) throw new UsageError(`of which queue? ${REQUESTS_QUEUE} or ${RESPONSES_QUEUE}`);
  if (command === 'show') {
    const wanted = parse(showBodiesOptions, { ...filter, limit: values.limit, full: values.full });
    const event = {
      ...{ action: 'text.view' as const, subject: subjectOf(queue) },
      details: { filter: filterOf(wanted), ...(values.because && { reason: cutText(values.because, 500) }) },
    };
    await withSeals(NAME, async (seals) => {
      const show = () => connectAdmin(seals).showBodies(queue, wanted);
      const countOf = ({ letters }: { letters: unknown[] }) => ({ details: { count: letters.length } });
      const page = await auditedByCommand('dlq', event, show, countOf);
      mustHaveFound(filter.messageId, [page]);
      print(page, pageText);
    });
  } else if (command === 'redrive') {
    const flags = { ...filter, ...more, canary: values.canary, rate: values.rate };
    const wanted = parse(redriveOptions, flags);
    const progress = progressLine(process.stderr, 'sent');
    const event = {
      action: 'dead_letter.redrive' as const,
      subject: subjectOf(queue),
      details: { filter: filterOf(wanted) },
    };
    const countsOf = ({ sent: count, matching }: RedriveReport) => ({ details: { count, matching } });
    await withSeals(NAME, async (seals) => {
      const redrive = () => connectAdmin(seals).redrive(queue, wanted, progress.show);
      const report = await (wanted.dryRun ? redrive() : auditedByCommand('dlq', event, redrive, countsOf));
      progress.end();
      mustHaveFound(filter.messageId, [report]);
      print(report, redriveText);
      if (report.stopped !== null || report.refused > 0) process.exitCode = 1;
    });
  } else {
    const wanted = parse(dropOptions, { ...filter, ...more, confirm: values.yes });
    if (!wanted.confirm && !wanted.dryRun)
      throw new UsageError('dropped letters cannot be restored: add --yes, or --dry-run');
    const drop = () => connectAdmin().drop(queue, wanted);
    const event = {
      action: 'dead_letter.drop' as const,
      subject: subjectOf(queue),
      details: { filter: filterOf(wanted) },
    };
    const countsOf = ({ dropped: count, matching }: DropReport) => ({ details: { count, matching } });
    const report = await (wanted.dryRun ? drop() : auditedByCommand('dlq', event, drop, countsOf));
    mustHaveFound(filter.messageId, [report]);
    print(report, dropText);
  }
}

/** Whoever names a letter wants that one, so it has failed if there is none. */
function mustHaveFound(messageId: string | undefined, found: readonly { matching: number }[]): void {
  if (messageId === undefined || found.some(({ matching }) => matching > 0)) return;
  process.stderr.write('There is no letter with this message id.\n');
  process.exitCode = 1;
}

const subjectOf = (queue: WorkQueue) => ({ kind: 'queue' as const, id: `${queue}.dlq` });

const FILTER_FLAGS = ['reason', 'message-id', 'older-than', 'newer-than', 'json'];
/** The flags of each command. */
const FLAGS: Record<string, readonly string[]> = {
  list: FILTER_FLAGS,
  show: [...FILTER_FLAGS, 'limit', 'full', 'because'],
  redrive: [...FILTER_FLAGS, 'limit', 'dry-run', 'canary', 'rate'],
  drop: [...FILTER_FLAGS, 'limit', 'dry-run', 'yes'],
};

function parse<T extends z.ZodType>(schema: T, input: unknown): z.output<T> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const dashed = (path: PropertyKey[]) => path.join('.').replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  throw new UsageError(parsed.error.issues.map(({ path, message }) => `--${dashed(path)}: ${message}`).join('; '));
}

function queueOf(name: string | undefined): WorkQueue | undefined {
  const queue = name?.replace(/\.dlq$/, '');
  if (queue === undefined || queue === REQUESTS_QUEUE || queue === RESPONSES_QUEUE) return queue;
  throw new UsageError(`there is no queue ${name}: ${REQUESTS_QUEUE} or ${RESPONSES_QUEUE}`);
}

/** @param seals open letters. Left out: there are no keys */
function connectAdmin(seals?: { bodies: BodySeals; texts: TextSeals }) {
  const { rabbitmqUrl, rabbitmqCaFile, rabbitmqCertFile, rabbitmqKeyFile, publishers } = rabbitMqAndRedis;
  return createDeadLetterAdmin({
    ...seals,
    ...brokerAddressOf({
      rabbitmqUrl: readSetting(rabbitmqUrl),
      rabbitmqCaFile: readSetting(rabbitmqCaFile),
      rabbitmqCertFile: readSetting(rabbitmqCertFile),
      rabbitmqKeyFile: readSetting(rabbitmqKeyFile),
      publishers: readSetting(publishers),
    }),
  });
}

runCommand(main);
