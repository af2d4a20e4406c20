import { type RequestHandler, Router } from 'express';
import { z } from 'zod';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import type { AuditTrail } from '../../contracts/audit.ts';
import { ApiError } from '../../contracts/errors.ts';
import {
  cancelledJob,
  jobPage,
  jobQuery,
  jobStory,
  oneJobBody,
  retriedJob,
  retryBody,
  retryReport,
} from '../../contracts/http/job-bodies.ts';
import { failureList, failureQuery } from '../../contracts/http/retry-run-bodies.ts';
import { InvalidCursorError, type JobAdmin, type JobStory, type RetryReport } from '../../contracts/jobs.ts';
import { limits } from '../../contracts/limits.ts';
import { auditedFor, filterOf } from '../audit.ts';
import { bearer, bodyFaults, json, jsonBody, problems } from '../docs/describe-operation.ts';
import { readJsonBody } from '../json-body.ts';
import { parse } from '../validate.ts';

/** The longest time that one call may take. The caller should still be waiting when the report comes. */
const MAX_CALL_SECONDS = 60;
const FAILURES_COUNTED = 100_000;
const NO_JOB =
  'There is no job for this request, or it was removed. A question that still waits in RabbitMQ has no job yet.';

/**
 * `/jobs` of the admin's API: search jobs, show one, retry and cancel. No reply contains a user's text.
 * @param options.requireAdmin lets admins pass
 */
export function createJobsRouter(options: { jobs: JobAdmin; trail: AuditTrail; requireAdmin: RequestHandler }): Router {
  const { jobs, trail, requireAdmin } = options;
  return Router()
    .use('/jobs', requireAdmin, readJsonBody)
    .get('/jobs', async (req, res) => {
      const { limit, cursor, ...filter } = parse(jobQuery, req.query);
      try {
        res.json(await jobs.search(filter, { limit, cursor: cursor || undefined }));
      } catch (error) {
        if (!(error instanceof InvalidCursorError)) throw error;
        throw new ApiError('validation_failed', {
          errors: [{ path: 'cursor', message: 'must be the `nextCursor` of a page' }],
          cause: error,
        });
      }
    })
    .get('/failures', requireAdmin, async (req, res) => {
      res.json(await jobs.failures(parse(failureQuery, req.query), FAILURES_COUNTED));
    })
    .post('/jobs/retry', async (req, res) => {
      const wanted = parse(retryBody, req.body ?? {});
      if (wanted.code === undefined && !wanted.dryRun) {
        const message = 'must be given, so that no unrelated failures are retried; with dryRun, all codes are counted';
        throw new ApiError('validation_failed', { errors: [{ path: 'code', message }] });
      }
      const limit = Math.min(wanted.limit, Math.max(1, Math.floor(wanted.rate * MAX_CALL_SECONDS)));
      const retry = () => jobs.retryAll({ ...wanted, limit });
      const event = { action: 'job.retry' as const, details: { filter: filterOf(wanted) } };
      const countsOf = ({ retried: count, matching }: RetryReport) => ({ details: { count, matching } });
      res.json(wanted.dryRun ? await retry() : await auditedFor({ req, trail }, event, retry, countsOf));
    })
    .get('/jobs/:requestId', async (req, res) => {
      const story = await jobs.show(requestIdOf(req.params.requestId));
      if (!story) throw new ApiError('not_found', { detail: NO_JOB });
      res.json(story);
    })
    .post('/jobs/:requestId/retry', async (req, res) => {
      const requestId = requestIdOf(req.params.requestId);
      const { dryRun } = parse(oneJobBody, req.body ?? {});
      const story = await jobs.show(requestId);
      if (!story) throw new ApiError('not_found', { detail: NO_JOB });
      if (story.status !== 'failed') throw new ApiError('job_not_failed');
      const event = { action: 'job.retry' as const, subject: { kind: 'request' as const, id: requestId } };
      const done = dryRun
        ? 'retried'
        : await auditedFor({ req, trail }, event, () => jobs.retry(requestId), refusedUnless('retried'));
      if (done === 'none') throw new ApiError('not_found', { detail: NO_JOB });
      if (done === 'not failed') throw new ApiError('job_not_failed');
      res.json({ requestId, dryRun, asksModel: !hasAnswer(story) });
    })
    .post('/jobs/:requestId/cancel', async (req, res) => {
      const requestId = requestIdOf(req.params.requestId);
      const { dryRun } = parse(oneJobBody, req.body ?? {});
      const story = await jobs.show(requestId);
      if (!story) throw new ApiError('not_found', { detail: NO_JOB });
      if (story.endedAt !== null) throw new ApiError('job_ended');
      const event = { action: 'job.cancel' as const, subject: { kind: 'request' as const, id: requestId } };
      const done = dryRun
        ? 'cancelling'
        : await auditedFor({ req, trail }, event, () => jobs.cancel(requestId), refusedUnless('cancelling'));
      if (done === 'none') throw new ApiError('not_found', { detail: NO_JOB });
      if (done === 'ended') throw new ApiError('job_ended');
      res.status(dryRun ? 200 : 202).json({ requestId, dryRun, status: story.status });
    });
}

/** The job may have moved on since it was looked at. */
const refusedUnless =
  (done: string) =>
  (came: string): { outcome: 'done' | 'refused' } => ({ outcome: came === done ? 'done' : 'refused' });

/** A step that finished is not run again. */
const hasAnswer = ({ steps }: JobStory) => steps.some(({ step, failed }) => step === 'ask-model' && failed === null);

/** Other services choose ids of their own, so capital letters stay. */
function requestIdOf(value: unknown): string {
  if (typeof value !== 'string' || value.length > limits.idChars || !value.isWellFormed()) {
    throw new ApiError('not_found', { detail: NO_JOB });
  }
  return value;
}

const tags = ['Admin'];
const path = z.object({ requestId: z.string() });
const faults = ['unauthenticated', 'forbidden', 'store_unavailable', 'identity_unavailable'] as const;

/** The OpenAPI description of these routes. */
export const jobPaths: ZodOpenApiPathsObject = {
  '/admin/jobs': {
    get: {
      tags,
      security: bearer,
      summary: 'Search for jobs',
      description:
        'All jobs that match, whether they have ended or not. A completed job is found by its user and its session about ' +
        'a second after its end. If many jobs have changed meanwhile, a page may have fewer jobs than `limit`, or none.',
      operationId: 'searchJobs',
      requestParams: { query: jobQuery },
      responses: { 200: json('A page of them.', jobPage), ...problems('validation_failed', ...faults) },
    },
  },
  '/admin/failures': {
    get: {
      tags,
      security: bearer,
      summary: 'See why jobs have failed',
      description: 'The failed jobs by their code, with the newest as an example. At most 100,000 are counted.',
      operationId: 'listFailures',
      requestParams: { query: failureQuery },
      responses: { 200: json('The causes.', failureList), ...problems('validation_failed', ...faults) },
    },
  },
  '/admin/jobs/retry': {
    post: {
      tags,
      security: bearer,
      summary: 'Retry all failed jobs of a cause',
      description:
        'Retries at most 1,000 jobs in a call, and at most as many as `rate` allows in a minute. If `left` is not 0, call ' +
        'again, with an `until` before the first call, so that no job is retried twice. `code` is required, unless ' +
        '`dryRun` is true.',
      operationId: 'retryJobs',
      requestBody: jsonBody(retryBody),
      responses: {
        200: json('What was done.', retryReport),
        ...problems('validation_failed', ...faults, ...bodyFaults),
      },
    },
  },
  '/admin/jobs/{requestId}': {
    get: {
      tags,
      security: bearer,
      summary: 'The story of a job',
      description: 'Its steps, attempts and times, and the id of its trace. No text.',
      operationId: 'showJob',
      requestParams: { path },
      responses: { 200: json('The story.', jobStory), ...problems('not_found', ...faults) },
    },
  },
  '/admin/jobs/{requestId}/retry': {
    post: {
      tags,
      security: bearer,
      summary: 'Retry a failed job',
      operationId: 'retryJob',
      requestParams: { path },
      requestBody: jsonBody(oneJobBody, { required: false }),
      responses: {
        200: json('It is in line again.', retriedJob),
        ...problems('validation_failed', 'not_found', 'job_not_failed', ...faults, ...bodyFaults),
      },
    },
  },
  '/admin/jobs/{requestId}/cancel': {
    post: {
      tags,
      security: bearer,
      summary: 'Cancel a job that has not ended',
      description: 'As if its user had cancelled the question. The job ends within seconds, once a worker has it.',
      operationId: 'cancelJob',
      requestParams: { path },
      requestBody: jsonBody(oneJobBody, { required: false }),
      responses: {
        200: json('It would end: a dry run.', cancelledJob),
        202: json('It will end.', cancelledJob),
        ...problems('validation_failed', 'not_found', 'job_ended', ...faults, ...bodyFaults),
      },
    },
  },
};
