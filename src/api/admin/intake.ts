import { type RequestHandler, Router } from 'express';
import type { Logger } from 'pino';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import type { AuditTrail } from '../../contracts/audit.ts';
import { type IntakeReport, intakePause, intakeReport, setIntakeBody } from '../../contracts/http/intake-bodies.ts';
import type { IntakeAdmin } from '../../contracts/intake.ts';
import { auditedFor } from '../audit.ts';
import { bearer, bodyFaults, json, jsonBody, problems } from '../docs/describe-operation.ts';
import { readJsonBody } from '../json-body.ts';
import { parse } from '../validate.ts';

/**
 * `/intake` of the admin's API: whether workers take questions from RabbitMQ.
 * @param options.effects how many it concerns
 * @param options.requireAdmin lets only admins pass
 */
export function createIntakeRouter(options: {
  intake: IntakeAdmin;
  effects: () => Promise<IntakeReport['effects']>;
  trail: AuditTrail;
  requireAdmin: RequestHandler;
  logger: Logger;
}): Router {
  const { intake, effects, trail, requireAdmin, logger } = options;

  const setTo =
    (paused: boolean): RequestHandler =>
    async (req, res) => {
      const { dryRun } = parse(setIntakeBody, req.body ?? {});
      const by = req.user!.userId;
      const [concerned, before] = await Promise.all([effects(), intake.read()]);
      if (dryRun) {
        res.json({ dryRun, changed: before.paused !== paused, intake: before, effects: concerned });
        return;
      }
      const event = { action: paused ? ('intake.pause' as const) : ('intake.resume' as const) };
      const done = await auditedFor({ req, trail }, event, () => (paused ? intake.pause(by) : intake.resume()));
      if (done.changed) logger.warn({ by }, `an operator has ${paused ? 'paused' : 'resumed'} the intake`);
      res.json({ dryRun, ...done, effects: concerned });
    };

  return Router()
    .use('/intake', requireAdmin, readJsonBody)
    .get('/intake', async (_req, res) => {
      res.json(await intake.read());
    })
    .post('/intake/pause', setTo(true))
    .post('/intake/resume', setTo(false));
}

const tags = ['Admin'];
const faults = ['unauthenticated', 'forbidden', 'store_unavailable', 'identity_unavailable'] as const;
const changing = (operationId: string, summary: string, description: string) => ({
  post: {
    tags,
    security: bearer,
    summary,
    description,
    operationId,
    requestBody: jsonBody(setIntakeBody, { required: false }),
    responses: {
      200: json('How it is now, and how many it concerns.', intakeReport),
      ...problems('validation_failed', ...faults, ...bodyFaults),
    },
  },
});

/** The OpenAPI description of these routes. */
export const intakePaths: ZodOpenApiPathsObject = {
  '/admin/intake': {
    get: {
      tags,
      security: bearer,
      summary: 'See whether the intake is paused',
      operationId: 'showIntake',
      responses: { 200: json('How it is.', intakePause), ...problems(...faults) },
    },
  },
  '/admin/intake/pause': changing(
    'pauseIntake',
    'Have no worker take questions from RabbitMQ',
    'Questions are still accepted, and wait in RabbitMQ, until their deadline at most. What workers have taken already is ' +
      'answered. It stays paused until somebody resumes it, whatever is started again.',
  ),
  '/admin/intake/resume': changing(
    'resumeIntake',
    'Have all workers take questions again',
    'All workers follow within two seconds.',
  ),
};
