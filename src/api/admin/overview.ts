import { type RequestHandler, Router } from 'express';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import type { DepthHistory } from '../../contracts/depths.ts';
import { depthHistory, type Overview, overview } from '../../contracts/http/overview-bodies.ts';
import { bearer, json, problems } from '../docs/describe-operation.ts';
import { sendUnlessUnchanged } from './send-unchanged.ts';

/** However many browsers ask, each api looks at most once in this time. */
const LOOK_EVERY_MS = 1_000;

/**
 * `/overview` and `/history` of the admin's API. Both are cheap when many browsers ask again and again.
 * @param options.look what an operator wants to know first
 * @param options.readHistory the depths of the last hour
 * @param options.requireAdmin lets only admins pass
 */
export function createOverviewRouter(options: {
  look: () => Promise<Overview>;
  readHistory: () => Promise<DepthHistory>;
  requireAdmin: RequestHandler;
}): Router {
  const { requireAdmin } = options;
  const look = atMostEvery(LOOK_EVERY_MS, options.look);
  const readHistory = atMostEvery(LOOK_EVERY_MS, options.readHistory);
  return Router()
    .get('/overview', requireAdmin, async (req, res) => sendUnlessUnchanged(req, res, await look()))
    .get('/history', requireAdmin, async (req, res) => sendUnlessUnchanged(req, res, await readHistory()));
}

/** A look that fails is not kept. */
function atMostEvery<T>(everyMs: number, look: () => Promise<T>): () => Promise<T> {
  let latest: { at: number; result: Promise<T> } | undefined;
  return () => {
    if (latest && performance.now() - latest.at < everyMs) return latest.result;
    const mine = { at: performance.now(), result: look() };
    latest = mine;
    mine.result.catch(() => {
      if (latest === mine) latest = undefined;
    });
    return mine.result;
  };
}

const faults = ['unauthenticated', 'forbidden', 'store_unavailable', 'identity_unavailable'] as const;
const reading = { tags: ['Admin'], security: bearer };
const unchanged = { 304: { description: 'Nothing has changed since the reply with the ETag of `If-None-Match`.' } };

/** The OpenAPI description of these routes. */
export const overviewPaths: ZodOpenApiPathsObject = {
  '/admin/overview': {
    get: {
      ...reading,
      summary: 'See how everything is',
      description: 'Each part is `null` while the server that knows it is away. The reply has an `ETag`.',
      operationId: 'showOverview',
      responses: { 200: json('How everything is.', overview), ...unchanged, ...problems(...faults) },
    },
  },
  '/admin/history': {
    get: {
      ...reading,
      summary: 'See the depths of the last hour',
      description: 'How many messages and jobs there were, every 15 seconds. The reply has an `ETag`.',
      operationId: 'showDepthHistory',
      responses: { 200: json('The depths.', depthHistory), ...unchanged, ...problems(...faults) },
    },
  },
};
