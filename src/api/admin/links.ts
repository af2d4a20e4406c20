import { type RequestHandler, Router } from 'express';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { type OperatorLinks, operatorLinks } from '../../contracts/http/link-bodies.ts';
import { bearer, json, problems } from '../docs/describe-operation.ts';

/**
 * `/links` of the admin's API: where else an operator can look, as the settings say.
 * @param options.requireAdmin lets admins pass
 */
export function createLinksRouter(options: { links: OperatorLinks; requireAdmin: RequestHandler }): Router {
  return Router().get('/links', options.requireAdmin, (_req, res) => {
    res.json(options.links);
  });
}

/** What OpenAPI says of these routes. */
export const linkPaths: ZodOpenApiPathsObject = {
  '/admin/links': {
    get: {
      tags: ['Admin'],
      security: bearer,
      summary: 'See where traces, logs and dashboards are',
      operationId: 'listLinks',
      responses: {
        200: json('Their addresses.', operatorLinks),
        ...problems('unauthenticated', 'forbidden', 'store_unavailable', 'identity_unavailable'),
      },
    },
  },
};
