import { z } from 'zod';
import { retryRunStates } from '../retry-runs.ts';
import { dryRun } from './dry-run.ts';
import { DEFAULT_RETRIES_PER_SECOND, failedFilter, retryRate } from './job-bodies.ts';

const moment = z.iso.datetime();

/** Failed jobs of one cause. */
export const failureGroup = z
  .object({
    code: z.string(),
    count: z.int(),
    oldest: moment,
    newest: moment,
    example: z.string().describe('The requestId of the newest.'),
  })
  .meta({ id: 'FailureGroup' });

export const failureList = z
  .object({
    failures: z.array(failureGroup).describe('The most frequent first.'),
    counted: z.int().describe('How many failed jobs were looked at; at most 100,000, the newest.'),
  })
  .meta({ id: 'FailureList' });

const { code: _code, ...failuresFilter } = failedFilter;
export const failureQuery = z.strictObject(failuresFilter);

export const startRetryRunBody = z
  .strictObject({
    ...failedFilter,
    limit: z
      .int()
      .min(1)
      .max(100_000)
      .default(100_000)
      .describe('How many to retry at most, the oldest failures first.'),
    rate: retryRate.default(DEFAULT_RETRIES_PER_SECOND),
    dryRun,
  })
  .meta({ id: 'StartRetryRun' });

export const stopRetryRunBody = z.strictObject({ dryRun }).meta({ id: 'StopRetryRun' });

export const retryRun = z
  .object({
    id: z.string(),
    state: z.enum(retryRunStates).describe('`failed`: it ended early; `problem` says why.'),
    code: z.string().describe('The cause whose jobs are retried.'),
    by: z.string().describe('Who started it: the user id of an admin.'),
    startedAt: moment,
    endedAt: moment.nullable(),
    rate: z.number().describe('How many are retried in a second at most.'),
    matching: z.int().describe('How many jobs had failed with this cause when it started, `limit` at most.'),
    retried: z.int().describe('How many are in line again.'),
    left: z
      .int()
      .describe('How many are still to be retried, or were not; jobs that somebody else retried do not count.'),
    problem: z.string().nullable(),
  })
  .meta({ id: 'RetryRun', description: 'Retries all failed jobs of a cause, in the background.' });

export const retryRunList = z
  .object({ runs: z.array(retryRun).describe('The latest first.') })
  .meta({ id: 'RetryRunList' });

export const retryRunForecast = z
  .object({
    dryRun: z.literal(true),
    matching: z.int().describe('How many failed jobs match, `limit` at most.'),
    byCode: z.array(z.object({ code: z.string(), count: z.int() })).describe('Why they failed.'),
    seconds: z.int().describe('How long it would take at this rate.'),
  })
  .meta({ id: 'RetryRunForecast' });

export type FailureGroup = z.output<typeof failureGroup>;
