import { type RequestHandler, Router } from 'express';
import { ApiError } from '../../contracts/errors.ts';
import { type GateAdmin, openGateBody } from '../../contracts/gates.ts';
import { readJsonBody } from '../json-body.ts';
import { parse } from '../validate.ts';

/**
 * `/gates` of the admin's API: whether each provider's model may be asked, for all workers together.
 * @param options.requireAdmin lets admins pass
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
