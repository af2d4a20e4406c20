import { type RequestHandler, Router } from 'express';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { type RetentionTable, retentionTable } from '../../contracts/http/retention-bodies.ts';
import type { StoreOfData } from '../../contracts/kept-data.ts';
import { type Limit, type Retained, retention, type SweepName } from '../../contracts/retention.ts';
import { NEVER_SWEPT, type SweepRecord } from '../../contracts/sweeps.ts';
import { bearer, json, problems } from '../docs/describe-operation.ts';

/**
 * `/retention` of the admin's API: how long everything is kept, and what was removed last.
 * @param options.sweepNames the sweeps that there are, because this installation needs them
 * @param options.readSweeps what became of them
 * @param options.limitOf the value of a setting, ms
 * @param options.oldestGoesAt when the oldest dead letters are removed, ms
 * @param options.hasMongoDb whether what lasts is kept there
 * @param options.requireAdmin lets those pass who may see it
 */
export function createRetentionRouter(options: {
  sweepNames: readonly SweepName[];
  readSweeps: () => Promise<Partial<Record<SweepName, SweepRecord>>>;
  limitOf: (setting: string) => number;
  oldestGoesAt: () => Promise<Partial<Record<SweepName, number>>>;
  hasMongoDb: boolean;
  requireAdmin: RequestHandler;
}): Router {
  const { sweepNames, readSweeps, limitOf, oldestGoesAt, hasMongoDb, requireAdmin } = options;

  const storeOf = (store: StoreOfData) => {
    if (store === 'lasting') return hasMongoDb ? 'mongodb' : 'redis';
    return store === 'cache' ? 'redis-cache' : store;
  };

  async function look(): Promise<RetentionTable> {
    const [records, goAt] = await Promise.all([readSweeps(), oldestGoesAt()]);
    const describe = ([name, retained]: [string, Retained]): RetentionTable['kept'][number] => {
      const { what, store, limit, enforcedBy } = retained;
      const sweeps = (retained.sweeps ?? []).filter((sweep) => sweepNames.includes(sweep));
      const times = sweeps.flatMap((sweep) => goAt[sweep] ?? []);
      return {
        ...{ name, what, store: storeOf(store), ...limitIn(limit, limitOf), enforcedBy },
        oldestGoesAt: times.length > 0 ? new Date(Math.min(...times)).toISOString() : null,
        sweeps: sweeps.map((sweep) => ({ sweep, ...(records[sweep] ?? NEVER_SWEPT) })),
      };
    };
    return { kept: Object.entries(retention).map(describe) };
  }

  return Router().get('/retention', requireAdmin, async (_req, res) => {
    res.json(await look());
  });
}

function limitIn(limit: Limit, limitOf: (setting: string) => number) {
  if ('until' in limit) return { limitMs: null, setting: null, from: `until ${limit.until}` };
  const from = `after ${limit.after}`;
  if ('ms' in limit) return { limitMs: limit.ms, setting: null, from };
  return { limitMs: limitOf(limit.setting) * (limit.upTo ?? 1), setting: limit.setting, from };
}

/** The OpenAPI description of these routes. */
export const retentionPaths: ZodOpenApiPathsObject = {
  '/admin/retention': {
    get: {
      tags: ['Admin'],
      security: bearer,
      summary: 'See how long everything is kept',
      description: 'The limits, by the settings of this api; who sees to them; and what was removed last.',
      operationId: 'showRetention',
      responses: {
        200: json('Everything that is kept.', retentionTable),
        ...problems('unauthenticated', 'forbidden', 'store_unavailable', 'identity_unavailable'),
      },
    },
  },
};
