import { type RequestHandler, Router } from 'express';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { type ProcessList, processList } from '../../contracts/http/process-bodies.ts';
import { bearer, json, problems } from '../docs/describe-operation.ts';

/**
 * `/processes` of the admin's API: which processes of this installation are alive, and with which version and settings.
 * @param options.requireAdmin lets admins pass
 */
export function createProcessesRouter(options: {
  listProcesses: () => Promise<ProcessList>;
  requireAdmin: RequestHandler;
}): Router {
  return Router().get('/processes', options.requireAdmin, async (_req, res) => {
    res.json(await options.listProcesses());
  });
}

/** What OpenAPI says of these routes. */
export const processPaths: ZodOpenApiPathsObject = {
  '/admin/processes': {
    get: {
      tags: ['Admin'],
      security: bearer,
      summary: 'See which processes are alive',
      operationId: 'listProcesses',
      responses: {
        200: json('All processes, by role.', processList),
        ...problems('unauthenticated', 'forbidden', 'store_unavailable', 'identity_unavailable'),
      },
    },
  },
};
