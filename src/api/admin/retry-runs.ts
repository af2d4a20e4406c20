import { type RequestHandler, Router } from 'express';
import type { Logger } from 'pino';
import { z } from 'zod';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import type { AuditTrail } from '../../contracts/audit.ts';
import { ApiError } from '../../contracts/errors.ts';
import {
  retryRun,
  retryRunForecast,
  retryRunList,
  startRetryRunBody,
  stopRetryRunBody,
} from '../../contracts/http/retry-run-bodies.ts';
import { type RetryRun, RetryRunActiveError, type RetryRunAdmin } from '../../contracts/retry-runs.ts';
import { auditedFor, filterOf } from '../audit.ts';
import { bearer, bodyFaults, json, jsonBody, problems } from '../docs/describe-operation.ts';
import { readJsonBody } from '../json-body.ts';
import { parse } from '../validate.ts';

const NO_RUN = 'There is no such run, or it ended more than a day ago.';

/**
 * `/retry-runs` of the admin's API: retries all failed jobs of a cause, in the background.
 * @param options.requireAdmin lets only admins pass
 */
export function createRetryRunsRouter(options: {
  retryRuns: RetryRunAdmin;
  trail: AuditTrail;
  requireAdmin: RequestHandler;
  logger: Logger;
}): Router {
  const { retryRuns, trail, requireAdmin, logger } = options;
  return Router()
    .use('/retry-runs', requireAdmin, readJsonBody)
    .get('/retry-runs', async (_req, res) => {
      res.json({ runs: await retryRuns.list() });
    })
    .post('/retry-runs', async (req, res) => {
      const { dryRun, rate, code, ...filter } = parse(startRetryRunBody, req.body ?? {});
      if (dryRun) {
        const { matching, byCode } = await retryRuns.count({ code, ...filter });
        res.json({ dryRun, matching, byCode, seconds: Math.ceil(matching / rate) });
        return;
      }
      if (code === undefined) throw new ApiError('validation_failed', { errors: [CODE_MISSING] });
      const by = req.user!.userId;
      const event = { action: 'retry_run.start' as const, details: { filter: filterOf({ code, rate, ...filter }) } };
      const start = () => orActive(retryRuns.start({ code, ...filter, rate, by }));
      const run = await auditedFor({ req, trail }, event, start, ({ matching }) => ({ details: { matching } }));
      logger.warn({ by, run: run.id, code, jobs: run.matching }, 'an operator retries all failed jobs of a code');
      res.status(201).json(run);
    })
    .get('/retry-runs/:id', async (req, res) => {
      res.json(orNotFound(await retryRuns.show(idOf(req.params.id))));
    })
    .post('/retry-runs/:id/stop', async (req, res) => {
      const id = idOf(req.params.id);
      const { dryRun } = parse(stopRetryRunBody, req.body ?? {});
      const event = { action: 'retry_run.stop' as const, subject: { kind: 'retry_run' as const, id } };
      const stop = () => auditedFor({ req, trail }, event, () => retryRuns.stop(id));
      const run = orNotFound(await (dryRun ? retryRuns.show(id) : stop()));
      if (!dryRun) logger.warn({ by: req.user!.userId, run: id }, 'an operator stops a run that retries failed jobs');
      res.json(run);
    });
}

const CODE_MISSING = {
  path: 'code',
  message: 'must be given, so that no unrelated failures are retried; with dryRun, all codes are counted',
};

async function orActive(started: Promise<RetryRun>): Promise<RetryRun> {
  try {
    return await started;
  } catch (error) {
    if (error instanceof RetryRunActiveError) throw new ApiError('retry_run_active', { cause: error });
    throw error;
  }
}

function orNotFound(run: RetryRun | undefined): RetryRun {
  if (!run) throw new ApiError('not_found', { detail: NO_RUN });
  return run;
}

/** Runs have UUIDs. */
function idOf(value: unknown): string {
  const parsed = z.uuid().safeParse(value);
  if (!parsed.success) throw new ApiError('not_found', { detail: NO_RUN });
  return parsed.data;
}

const tags = ['Admin'];
const path = z.object({ id: z.string() });
const faults = ['unauthenticated', 'forbidden', 'store_unavailable', 'identity_unavailable'] as const;

/** The OpenAPI description of these routes. */
export const retryRunPaths: ZodOpenApiPathsObject = {
  '/admin/retry-runs': {
    get: {
      tags,
      security: bearer,
      summary: 'See the runs that retry failed jobs',
      description: 'The 200 latest. A run is shown until a day after its end.',
      operationId: 'listRetryRuns',
      responses: { 200: json('The runs.', retryRunList), ...problems(...faults) },
    },
    post: {
      tags,
      security: bearer,
      summary: 'Retry all failed jobs of a cause, in the background',
      description:
        'All jobs that have failed so far and match, at a rate, the oldest failures first. A job that fails again meanwhile is ' +
        'not retried again. The run goes on if the api that began it ends. `code` is required, unless `dryRun` is true.',
      operationId: 'startRetryRun',
      requestBody: jsonBody(startRetryRunBody),
      responses: {
        200: json('What it would do: a dry run.', retryRunForecast),
        201: json('It has begun.', retryRun),
        ...problems('validation_failed', 'retry_run_active', ...faults, ...bodyFaults),
      },
    },
  },
  '/admin/retry-runs/{id}': {
    get: {
      tags,
      security: bearer,
      summary: 'See how far a run is',
      operationId: 'showRetryRun',
      requestParams: { path },
      responses: { 200: json('The run.', retryRun), ...problems('not_found', ...faults) },
    },
  },
  '/admin/retry-runs/{id}/stop': {
    post: {
      tags,
      security: bearer,
      summary: 'Stop a run',
      description:
        'The jobs that it has retried stay in line. The others stay failed. A run that has ended stays as it is.',
      operationId: 'stopRetryRun',
      requestParams: { path },
      requestBody: jsonBody(stopRetryRunBody, { required: false }),
      responses: {
        200: json('The run; as it is, if this was a dry run.', retryRun),
        ...problems('validation_failed', 'not_found', ...faults, ...bodyFaults),
      },
    },
  },
};
