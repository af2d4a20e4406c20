import { type RequestHandler, Router } from 'express';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { ApiError } from '../../contracts/errors.ts';
import { type GateAdmin, gateList, openedGate, openGateBody } from '../../contracts/gates.ts';
import { bearer, bodyFaults, json, jsonBody, problems } from '../docs/describe-operation.ts';
import { readJsonBody } from '../json-body.ts';
import { parse } from '../validate.ts';

/**
 * `/gates` of the admin's API: whether each provider's model may be asked, for all workers together.
 * @param options.requireAdmin lets only admins pass
 */
export function createGatesRouter(options: { gates: GateAdmin; requireAdmin: RequestHandler }): Router {
  const { gates, requireAdmin } = options;
  return Router()
    .use('/gates', requireAdmin, readJsonBody)
    .get('/gates', async (_req, res) => {
      res.json({ gates: await gates.list() });
    })
    .post('/gates/open', async (req, res) => {
      const { gate } = parse(openGateBody, req.body ?? {});
      const opened = await gates.open(gate);
      if (!opened) throw new ApiError('not_found', { detail: 'There is no such gate; GET /admin/gates lists them.' });
      res.json(opened);
    });
}

const tags = ['Admin'];
const faults = ['unauthenticated', 'forbidden', 'store_unavailable', 'identity_unavailable'] as const;

/** The OpenAPI description of these routes. */
export const gatePaths: ZodOpenApiPathsObject = {
  '/admin/gates': {
    get: {
      tags,
      security: bearer,
      summary: 'See which model providers may be asked',
      operationId: 'listGates',
      responses: { 200: json('All gates, by name.', gateList), ...problems(...faults) },
    },
  },
  '/admin/gates/open': {
    post: {
      tags,
      security: bearer,
      summary: 'Have a model provider asked again at once',
      description: 'Ends its pause for all workers. If it is still out of order, the next call shuts the gate again.',
      operationId: 'openGate',
      requestBody: jsonBody(openGateBody),
      responses: {
        200: json('It may be asked.', openedGate),
        ...problems('validation_failed', 'not_found', ...faults, ...bodyFaults),
      },
    },
  },
};
