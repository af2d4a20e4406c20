import { openJobShards } from '../adapters/jobs/job-shards.ts';
import { createJobAdmin } from '../adapters/jobs/search/job-admin.ts';
import { readJobShards } from '../adapters/redis/installation.ts';
import { filterOf as recordedFilter } from '../api/audit.ts';
import { cutText } from '../contracts/cut-text.ts';
import { age } from '../contracts/dead-letters.ts';
import { DEFAULT_RETRIES_PER_SECOND, jobFilter } from '../contracts/http/job-bodies.ts';
import type { JobAdmin, JobFilter, JobSummary, RetryReport } from '../contracts/jobs.ts';
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
import { jobsText, retryText, storyText } from './commands/jobs-text.ts';
import { progressLine } from './commands/progress-line.ts';
import { withRedis } from './commands/redis-connection.ts';

const HELP = `Jobs: requests that workers work on, or have worked on. Shows no texts. Reads REDIS_URL and NAMESPACE: from the
environment, from .env, or from what npm start has started. In the image: node dist/src/main/jobs.js list

  npm run jobs -- list               the latest jobs that match the options
  npm run jobs -- show REQUEST       one job: its steps, attempts, times, trace
  npm run jobs -- retry REQUEST      run a failed job again
  npm run jobs -- retry --code C     the same for all that failed with this code
  npm run jobs -- cancel REQUEST     cancel a job

  --code C          only jobs that failed with this code
  --session ID      only jobs of this session
  --user ID         only jobs of this user
  --status S        list: only waiting, delayed, active, completed, cancelled or failed ones
  --from TIME       only jobs that ended (or, if they have not, were added) then or later: 2026-01-31T12:00:00Z
  --until TIME      only jobs that ended then or earlier
  --newer-than AGE  the same as --from, with an age: 30s, 15m, 1h, 7d
  --older-than AGE  the same as --until
  --limit N         list or retry at most N (default: 50 listed, all retried)
  --rate N          retry: at most N a second (default 10)
  --dry-run         retry: change nothing, only count the jobs by code; --code may be left out
  --json            print JSON
  --help

The oldest failures are retried first. A job that fails again meanwhile is not retried again. Exits with 0 if all went well, 1 if
something failed or there is no such job, 2 if the command is not understood.
`;

const MAX_PAGE = 100;
const DEFAULT_LISTED = 50;
const FILTER_FLAGS = ['code', 'session', 'user', 'from', 'until', 'newer-than', 'older-than'];
/** The flags of each command beside --json. */
const FLAGS: Record<string, readonly string[]> = {
  list: [...FILTER_FLAGS, 'status', 'limit'],
  show: [],
  retry: [...FILTER_FLAGS, 'limit', 'rate', 'dry-run'],
  cancel: [],
};

async function main(): Promise<void> {
  const { values, positionals } = readArguments({
    code: textOption,
    session: textOption,
    user: textOption,
    status: textOption,
    from: textOption,
    until: textOption,
    'newer-than': textOption,
    'older-than': textOption,
    limit: textOption,
    rate: textOption,
    'dry-run': flagOption,
    json: flagOption,
  });
  if (values.help) return void process.stdout.write(HELP);
  const [command = '', requestId, ...rest] = positionals;
  const flags = FLAGS[command];
  if (!flags) throw new UsageError(command ? `there is no command ${command}` : 'a command is missing');
  if (rest.length > 0) throw new UsageError(`unexpected argument: ${rest[0]}`);
  mustBelong(command, values, [...flags, 'json']);
  if (command === 'list' && requestId !== undefined) throw new UsageError('list takes no request: show does');
  if ((command === 'show' || command === 'cancel') && requestId === undefined) throw new UsageError('which request?');
  if (command === 'retry' && requestId !== undefined && Object.keys(values).some((flag) => flag !== 'json')) {
    throw new UsageError('retry takes a request or a filter, not both');
  }
  if (command === 'retry' && requestId === undefined && !values.code && !values['dry-run']) {
    throw new UsageError('name the request to retry, or all with a --code; --dry-run counts all codes');
  }
  const filter = filterOf(values);
  const limit = numberOf('limit', values.limit, { integer: true });
  const rate = numberOf('rate', values.rate) ?? DEFAULT_RETRIES_PER_SECOND;
  const print = printer(values.json);

  await withRedis('healify-chat jobs', async (redis) => {
    const jobs = createJobAdmin(openJobShards(redis, await readJobShards(redis)), redis);
    if (command === 'list') {
      const found = await listJobs(jobs, filter, limit ?? DEFAULT_LISTED);
      print(found, jobsText);
    } else if (command === 'show') {
      const story = await jobs.show(requestId!);
      if (!story) throw new Error(`there is no job for ${requestId}, or no more`);
      print(story, storyText);
    } else if (command === 'cancel') {
      const done = await auditedByCommand('jobs', { action: 'job.cancel', subject: requestOf(requestId!) }, () =>
        jobs.cancel(requestId!),
      );
      if (done !== 'cancelling') throw new Error(done === 'none' ? `there is no job for ${requestId}` : 'it has ended');
      print({ requestId }, () => `${requestId}: will end as cancelled\n`);
    } else if (requestId !== undefined) {
      const done = await auditedByCommand('jobs', { action: 'job.retry', subject: requestOf(requestId) }, () =>
        jobs.retry(requestId),
      );
      if (done !== 'retried')
        throw new Error(done === 'none' ? `there is no job for ${requestId}` : 'it has not failed');
      print({ requestId }, () => `${requestId}: in line again\n`);
    } else {
      const progress = progressLine(process.stderr, 'retried');
      const dryRun = values['dry-run'] ?? false;
      // What fails again meanwhile is not retried again.
      const wanted = { until: Date.now(), ...filter, limit: limit ?? Number.POSITIVE_INFINITY, rate, dryRun };
      const retry = () => jobs.retryAll(wanted, progress.show);
      const event = { action: 'job.retry' as const, details: { filter: recordedFilter({ ...wanted }) } };
      const countsOf = ({ retried: count, matching }: RetryReport) => ({ details: { count, matching } });
      const report = await (dryRun ? retry() : auditedByCommand('jobs', event, retry, countsOf));
      progress.end();
      print(report, retryText);
    }
  });
}

const requestOf = (requestId: string) => ({ kind: 'request' as const, id: cutText(requestId, 256) });

async function listJobs(jobs: JobAdmin, filter: JobFilter, limit: number) {
  const found: JobSummary[] = [];
  let cursor: string | undefined;
  do {
    const page = await jobs.search(filter, { limit: Math.min(MAX_PAGE, limit - found.length), cursor });
    found.push(...page.jobs);
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined && found.length < limit);
  return { jobs: found, more: cursor !== undefined };
}

function filterOf(values: Record<string, string | boolean | undefined>): JobFilter {
  const parsed = jobFilter.safeParse({
    code: values.code,
    sessionId: values.session,
    userId: values.user,
    status: values.status,
    from: values.from ?? timeAgo('newer-than', values['newer-than']),
    until: values.until ?? timeAgo('older-than', values['older-than']),
  });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new UsageError(`--${String(issue!.path[0]).replace(/Id$/, '')}: ${issue!.message}`);
}

function timeAgo(flag: string, value: unknown): string | undefined {
  if (value === undefined) return undefined;
  const parsed = age.safeParse(value);
  if (!parsed.success) throw new UsageError(`--${flag}: ${parsed.error.issues[0]!.message}`);
  return new Date(Date.now() - parsed.data).toISOString();
}

function numberOf(flag: string, value: string | undefined, { integer = false } = {}): number | undefined {
  if (value === undefined) return undefined;
  const number = Number(value);
  if (!(number > 0) || !Number.isFinite(number) || (integer && !Number.isInteger(number))) {
    throw new UsageError(`--${flag}: must be a number above 0`);
  }
  return number;
}

runCommand(main);
