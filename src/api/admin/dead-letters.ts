import { type RequestHandler, Router } from 'express';
import { z } from 'zod';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import type { AuditAction, AuditTrail } from '../../contracts/audit.ts';
import {
  type DeadLetterAdmin,
  dropOptions,
  dropReport,
  letterFilter,
  letterGroups,
  letterPage,
  MAX_PER_CALL,
  redriveOptions,
  redriveReport,
  showOptions,
} from '../../contracts/dead-letters.ts';
import { ApiError, DeadLettersInUseError } from '../../contracts/errors.ts';
import { REQUESTS_QUEUE, RESPONSES_QUEUE, type WorkQueue } from '../../contracts/queues.ts';
import { auditedFor, filterOf } from '../audit.ts';
import { bearer, bodyFaults, json, jsonBody, problems } from '../docs/describe-operation.ts';
import { readJsonBody } from '../json-body.ts';
import { parse } from '../validate.ts';

/** The longest time that one call may take. The caller should still be waiting when the report comes. */
const MAX_CALL_SECONDS = 60;

/**
 * `/dead-letters/:queue` of the admin's API. The queue is `chat_requests` or `chat_responses`. One call sends or drops
 * at most 1,000 letters. Its report says how many are left.
 * @param options.requireAdmin lets only admins pass
 */
export function createDeadLettersRouter(options: {
  deadLetters: DeadLetterAdmin;
  trail: AuditTrail;
  requireAdmin: RequestHandler;
}): Router {
  const { deadLetters, trail, requireAdmin } = options;
  return Router()
    .use('/dead-letters', requireAdmin, readJsonBody)
    .get('/dead-letters/:queue', async (req, res) => {
      const queue = queueOf(req.params.queue);
      res.json(await orInUse(deadLetters.list(queue, parse(letterFilter, req.query))));
    })
    .get('/dead-letters/:queue/messages', async (req, res) => {
      const queue = queueOf(req.params.queue);
      res.json(await orInUse(deadLetters.show(queue, parse(showOptions, req.query))));
    })
    .post('/dead-letters/:queue/redrive', async (req, res) => {
      const queue = queueOf(req.params.queue);
      const wanted = parse(redriveOptions, req.body ?? {});
      const limit = Math.min(wanted.limit, MAX_PER_CALL, Math.ceil((wanted.rate ?? MAX_PER_CALL) * MAX_CALL_SECONDS));
      const redrive = () => orInUse(deadLetters.redrive(queue, { ...wanted, limit }));
      res.json(
        wanted.dryRun
          ? await redrive()
          : await auditedFor({ req, trail }, changeOf('dead_letter.redrive', queue, wanted), redrive, (report) => ({
              details: { count: report.sent, matching: report.matching },
            })),
      );
    })
    .post('/dead-letters/:queue/drop', async (req, res) => {
      const queue = queueOf(req.params.queue);
      const wanted = parse(dropOptions, req.body ?? {});
      if (!wanted.confirm && !wanted.dryRun) {
        const errors = [{ path: 'confirm', message: 'must be true, or dryRun: dropped letters are gone' }];
        throw new ApiError('validation_failed', { errors });
      }
      const limit = Math.min(wanted.limit, MAX_PER_CALL);
      const drop = () => orInUse(deadLetters.drop(queue, { ...wanted, limit }));
      res.json(
        wanted.dryRun
          ? await drop()
          : await auditedFor({ req, trail }, changeOf('dead_letter.drop', queue, wanted), drop, (report) => ({
              details: { count: report.dropped, matching: report.matching },
            })),
      );
    });
}

const changeOf = (action: AuditAction, queue: WorkQueue, wanted: object) => ({
  action,
  subject: { kind: 'queue' as const, id: `${queue}.dlq` },
  details: { filter: filterOf({ ...wanted }) },
});

function queueOf(name: unknown): WorkQueue {
  if (name === REQUESTS_QUEUE || name === RESPONSES_QUEUE) return name;
  throw new ApiError('not_found');
}

/** @throws ApiError dead_letters_in_use */
export async function orInUse<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof DeadLettersInUseError) throw new ApiError('dead_letters_in_use', { cause: error });
    throw error;
  }
}

const tags = ['Admin'];
const path = z.object({ queue: z.enum([REQUESTS_QUEUE, RESPONSES_QUEUE]) });
const faults = [
  'validation_failed',
  'unauthenticated',
  'forbidden',
  'not_found',
  'dead_letters_in_use',
  'broker_unavailable',
  'identity_unavailable',
] as const;

/** The OpenAPI description of these routes. */
export const deadLetterPaths: ZodOpenApiPathsObject = {
  '/admin/dead-letters/{queue}': {
    get: {
      tags,
      security: bearer,
      summary: 'Dead letters of a queue, by cause',
      operationId: 'listDeadLetters',
      requestParams: { path, query: letterFilter },
      responses: { 200: json('How many there are, and why.', letterGroups), ...problems(...faults) },
    },
  },
  '/admin/dead-letters/{queue}/messages': {
    get: {
      tags,
      security: bearer,
      summary: 'Dead letters of a queue, oldest first',
      description: 'Without their bodies, which may have texts of users. `npm run dlq -- show` shows those.',
      operationId: 'showDeadLetters',
      requestParams: { path, query: showOptions },
      responses: { 200: json('The first of them.', letterPage), ...problems(...faults) },
    },
  },
  '/admin/dead-letters/{queue}/redrive': {
    post: {
      tags,
      security: bearer,
      summary: 'Send dead letters back to their queue',
      description:
        'Sends at most 1,000 letters in a call, and at most as many as `rate` allows in a minute. If `left` is not 0, call ' +
        'again. With a `canary` the reply takes up to a minute longer.',
      operationId: 'redriveDeadLetters',
      requestParams: { path },
      requestBody: jsonBody(redriveOptions, { required: false }),
      responses: {
        200: json('What was done; `stopped` says why it ended early, if it did.', redriveReport),
        ...problems(...faults, ...bodyFaults),
      },
    },
  },
  '/admin/dead-letters/{queue}/drop': {
    post: {
      tags,
      security: bearer,
      summary: 'Remove dead letters for good',
      description: 'At most 1,000 in a call.',
      operationId: 'dropDeadLetters',
      requestParams: { path },
      requestBody: jsonBody(dropOptions),
      responses: { 200: json('What was done.', dropReport), ...problems(...faults, ...bodyFaults) },
    },
  },
};
