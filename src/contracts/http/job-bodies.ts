import { z } from 'zod';
import { timings, usage } from '../chat-response.ts';
import { jobStatuses } from '../jobs.ts';
import { id, timestamp } from '../scalars.ts';
import { dryRun } from './dry-run.ts';

/** One call of the API retries at most this many jobs. */
export const MAX_RETRIED_PER_CALL = 1_000;
/** Unless the caller says otherwise. A provider that has just come back should not be asked by all at once. */
export const DEFAULT_RETRIES_PER_SECOND = 10;

const milliseconds = timestamp.transform((text) => Date.parse(text));

/** The code of a failure, or of an answer that could not be delivered. */
export const failureReason = z
  .string()
  .regex(/^[a-z_]{1,64}$/, 'must be the code of a failure, such as model_timeout')
  .meta({ example: 'model_timeout' });

export const failedFilter = {
  code: failureReason.optional().describe('Only jobs that failed with this code.'),
  sessionId: id.optional().describe('Only jobs of this session.'),
  userId: id.optional().describe('Only jobs of this user.'),
  from: milliseconds.optional().describe('Only jobs that ended (or, if they have not, were added) then or later.'),
  until: milliseconds.optional().describe('Only jobs that ended (or, if they have not, were added) then or earlier.'),
};

export const jobFilter = z.strictObject({
  requestId: id.optional().describe('Only the job of this request.'),
  status: z.enum(jobStatuses).optional().describe('Only jobs with this status.'),
  ...failedFilter,
});

export const jobQuery = jobFilter.extend({
  limit: z.coerce.number().int().min(1).max(100).default(50).describe('Most jobs of the page.'),
  cursor: z.string().max(512).optional().describe('`nextCursor` of the page before.'),
});

export const retryRate = z.number().min(0.01).max(1_000).describe('How many to retry in a second at most.');

export const retryBody = z
  .strictObject({
    ...failedFilter,
    limit: z
      .int()
      .min(1)
      .max(MAX_RETRIED_PER_CALL)
      .default(MAX_RETRIED_PER_CALL)
      .describe('How many to retry at most. Those that failed first come first.'),
    rate: retryRate.default(DEFAULT_RETRIES_PER_SECOND),
    dryRun: z.boolean().default(false).describe('true: change nothing, only count the jobs by code.'),
  })
  .meta({ id: 'RetryJobs' });

const moment = z.iso.datetime();

const summary = z.object({
  requestId: z.string(),
  sessionId: z.string().nullable().describe('null: the job does not say.'),
  userId: z.string().nullable().describe('null: the job does not say.'),
  status: z
    .enum(jobStatuses)
    .describe(
      '`waiting`: in line. `delayed`: waits for its time. `active`: a worker has it. The others have ended. A job that is ' +
        'moving from one place to another counts as `active`.',
    ),
  code: z.string().nullable().describe('Why it failed; null if it has not.'),
  cause: z.string().nullable().describe('The same in words: the step, the code, the cause.'),
  addedAt: moment,
  endedAt: moment.nullable(),
  attempts: z.int().describe('How many attempts were made.'),
});

export const jobPage = z
  .object({
    jobs: z.array(summary.meta({ id: 'JobSummary' })).describe('The latest first.'),
    nextCursor: z.string().nullable().describe('null: there are no more.'),
  })
  .meta({ id: 'JobPage' });

export const jobStory = summary
  .extend({
    traceId: z.string().nullable().describe('What its log lines share; null for a job of an earlier version.'),
    startedAt: moment.nullable().describe('When a worker last took it.'),
    queue: z.string().describe('The name of its queue on Bull Board.'),
    deadline: moment.nullable(),
    maxAttempts: z.int(),
    crashes: z.int().describe('How often a worker has died over it.'),
    ahead: z.int().nullable().describe('How many jobs are taken before it; null unless it is waiting.'),
    nextAttemptAt: moment.nullable().describe('null unless it is delayed.'),
    retry: z
      .object({ since: moment, code: z.string() })
      .nullable()
      .describe('Why the latest attempt was repeated or had to wait, and since when this goes on.'),
    steps: z
      .array(
        z.object({
          step: z.string(),
          attempt: z.int(),
          ms: z.number(),
          failed: z.string().nullable().describe('The code of the failure; null for a step that finished.'),
          waited: z
            .object({ gate: z.string(), times: z.int() })
            .nullable()
            .describe('How often the gate of a model has turned the request away, `ms` in all; null for a step.'),
        }),
      )
      .describe('The latest steps, oldest first.'),
    failures: z.array(z.string()).describe('The reasons of the latest failed attempts, oldest first.'),
    answer: z
      .object({
        model: z.string().nullable(),
        provider: z.string().nullable(),
        cached: z.boolean(),
        usage: usage.nullable(),
        timings,
      })
      .nullable()
      .describe('null unless the job is completed or cancelled.'),
  })
  .meta({ id: 'JobStory', description: 'All that is known of a job but its texts.' });

export const oneJobBody = z.strictObject({ dryRun }).meta({ id: 'OneJob' });

export const retriedJob = z
  .object({
    requestId: z.string(),
    dryRun: z.boolean(),
    asksModel: z.boolean().describe('false: the answer is kept in the job, and is only sent again.'),
  })
  .meta({ id: 'RetriedJob' });

export const cancelledJob = z
  .object({
    requestId: z.string(),
    dryRun: z.boolean(),
    status: z.enum(jobStatuses).describe('How the job stood before.'),
  })
  .meta({ id: 'CancelledJob' });

export const retryReport = z
  .object({
    dryRun: z.boolean(),
    matching: z.int().describe('How many failed jobs matched; at most 100,000 are counted.'),
    byCode: z.array(z.object({ code: z.string(), count: z.int() })).describe('Why they failed.'),
    retried: z.int(),
    left: z.int().describe('How many match and were not retried.'),
  })
  .meta({ id: 'RetryReport' });
