import { type RequestHandler, Router } from 'express';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import type { AuditAction, AuditTrail } from '../../contracts/audit.ts';
import { cutText } from '../../contracts/cut-text.ts';
import { ApiError } from '../../contracts/errors.ts';
import {
  type Gate,
  type GateAdmin,
  gateList,
  openedGate,
  openGateBody,
  shutGateBody,
  shutGateReport,
} from '../../contracts/gates.ts';
import { auditedFor } from '../audit.ts';
import { bearer, bodyFaults, json, jsonBody, problems } from '../docs/describe-operation.ts';
import { readJsonBody } from '../json-body.ts';
import { parse } from '../validate.ts';

/** How many jobs have not ended, by how they stand. */
export interface OpenJobs {
  waiting: number;
  delayed: number;
  active: number;
}

/**
 * `/gates` of the admin's API: whether each provider's model may be asked, for all workers together.
 * @param options.requireAdmin lets only admins pass
 */
export function createGatesRouter(options: {
  gates: GateAdmin;
  openJobs: () => Promise<OpenJobs>;
  trail: AuditTrail;
  requireAdmin: RequestHandler;
}): Router {
  const { gates, openJobs, trail, requireAdmin } = options;

  /** What is known before something changes. */
  async function look(name: string): Promise<{ gate: Gate; effects: { jobs: OpenJobs; otherGatesOpen: number } }> {
    const [all, jobs] = await Promise.all([gates.list(), openJobs()]);
    const gate = all.find((one) => one.gate === name);
    if (!gate) throw noSuchGate();
    const otherGatesOpen = all.filter((one) => one !== gate && one.state === 'open').length;
    return { gate, effects: { jobs, otherGatesOpen } };
  }

  const changeOf = (action: AuditAction, name: string) => ({
    action,
    subject: { kind: 'gate' as const, id: cutText(name, 256) },
  });

  return Router()
    .use('/gates', requireAdmin, readJsonBody)
    .get('/gates', async (_req, res) => {
      res.json({ gates: await gates.list() });
    })
    .post('/gates/open', async (req, res) => {
      const { gate: name, dryRun } = parse(openGateBody, req.body ?? {});
      const { gate, effects } = await look(name);
      const opened = dryRun
        ? { gate: name, wasShut: gate.state !== 'open' }
        : await auditedFor({ req, trail }, changeOf('gate.open', name), () => gates.open(name));
      if (!opened) throw noSuchGate();
      res.json({ ...opened, dryRun, effects });
    })
    .post('/gates/shut', async (req, res) => {
      const { gate: name, for: forMs, dryRun } = parse(shutGateBody, req.body ?? {});
      const { gate, effects } = await look(name);
      const event = { ...changeOf('gate.shut', name), details: { filter: { forMs } } };
      const shut = dryRun
        ? wouldShut(gate, forMs)
        : await auditedFor({ req, trail }, event, () => gates.shut(name, forMs));
      if (!shut) throw noSuchGate();
      res.json({ ...shut, dryRun, effects });
    });
}

/** A gate that is shut for longer already stays as it is. */
function wouldShut({ gate, state, until, cause }: Gate, forMs: number) {
  const untilMs = Date.now() + forMs;
  const isLonger = until !== null && Date.parse(until) > untilMs;
  return {
    gate,
    wasShut: state !== 'open',
    until: isLonger ? until : new Date(untilMs).toISOString(),
    cause: isLonger && cause ? cause : ('operator' as const),
  };
}

const noSuchGate = () => new ApiError('not_found', { detail: 'There is no such gate; GET /admin/gates lists them.' });

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
  '/admin/gates/shut': {
    post: {
      tags,
      security: bearer,
      summary: 'Have a model provider not asked for a while',
      description:
        'Stops the calls of all workers. Calls that are under way end. Questions go to a fallback if there is one; the ' +
        'others wait, until their deadline at most.',
      operationId: 'shutGate',
      requestBody: jsonBody(shutGateBody),
      responses: {
        200: json('It is not asked until then.', shutGateReport),
        ...problems('validation_failed', 'not_found', ...faults, ...bodyFaults),
      },
    },
  },
};
