import { createBullBoard } from '@bull-board/api';
import { ExpressAdapter } from '@bull-board/express';
import type { Queue } from 'bullmq';
import { type RequestHandler, Router } from 'express';
import helmet from 'helmet';
import type { AuditAction, AuditTrail } from '../../contracts/audit.ts';
import { cutText } from '../../contracts/cut-text.ts';
import { safeMessage } from '../../contracts/safe-message.ts';
import { senderOf } from '../audit.ts';
import { BACKGROUND_HEADER } from '../auth/authenticate.ts';
import { toApiError } from '../problem.ts';
import { type BoardActions, BoardQueue, JobElsewhereError, refuseWhatBreaksJobs } from './board-queue.ts';
import { jobTitle } from './job-title.ts';
import { dataWithoutTexts, progressWithoutTexts, resultWithoutTexts } from './job-without-texts.ts';

/** The board's page needs more than the strict policy allows, but it loads everything from our own server. */
const boardPolicy = helmet.contentSecurityPolicy({
  useDefaults: false,
  directives: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'", "'unsafe-inline'"],
    imgSrc: ["'self'", 'data:'],
    fontSrc: ["'self'", 'data:'],
    connectSrc: ["'self'"],
    workerSrc: ["'self'", 'blob:'],
    baseUri: ["'self'"],
    formAction: ["'none'"],
    frameAncestors: ["'none'"],
  },
});

/**
 * Says that a job is part of no flow, as the board itself says it. None of our jobs is. The board's own reply would have
 * the job's progress without the formatter, and that holds the answer until it is published.
 */
const noFlow = Router().get('/api/queues/:queueName/:jobId/flow', (req, res) => {
  res.json({ nodeId: req.params.jobId, flowRoot: null, isFlowNode: false });
});

/** The board asks its API again and again by itself. That must not keep its admin's login alive. */
const markPolls: RequestHandler = (req, _res, next) => {
  if (req.method === 'GET' && req.path.startsWith('/api/')) req.headers[BACKGROUND_HEADER.toLowerCase()] = '1';
  next();
};

/** What the board changes, by its routes. It refuses all others, see `refuseWhatBreaksJobs`. */
const CHANGES: { path: RegExp; action: AuditAction }[] = [
  { path: /^\/api\/queues\/[^/]+\/(?<job>[^/]+)\/retry(?:\/|$)/, action: 'job.retry' },
  { path: /^\/api\/queues\/[^/]+\/(?<job>[^/]+)\/promote(?:\/|$)/, action: 'job.promote' },
  { path: /^\/api\/queues\/[^/]+\/promote(?:\/|$)/, action: 'job.promote' },
];

/** Nothing is changed without a record. */
const recordChanges =
  (trail: AuditTrail): RequestHandler =>
  async (req, res, next) => {
    const change = CHANGES.map(({ path, action }) => ({ action, found: path.exec(req.path) })).find(
      ({ found }) => found,
    );
    if (req.method === 'GET' || !change) return next();
    const job = change.found?.groups?.job;
    const event = {
      ...{ action: change.action, ...senderOf(req), details: { by: 'bull_board' } },
      ...(job !== undefined && { subject: { kind: 'request' as const, id: cutText(job.replace(/^r-/, ''), 256) } }),
    };
    const id = await trail.record({ ...event, outcome: 'begun' });
    res.once('finish', () => {
      const outcome = res.statusCode < 400 ? 'done' : res.statusCode < 500 ? 'refused' : 'failed';
      trail.note({ ...event, outcome }, id);
    });
    next();
  };

/**
 * Bull Board at `/queues` of the router that it is mounted in.
 * @param options.mountPath the path of that router: `/admin`
 * @param options.queues with the names that the board shows, and what its buttons do
 * @param options.requireAdmin lets only admins pass
 */
export function createBullBoardRouter(options: {
  queues: readonly { queue: Queue; name: string; actions: BoardActions }[];
  mountPath: string;
  trail: AuditTrail;
  requireAdmin: RequestHandler;
}): Router {
  const adapter = new ExpressAdapter();
  adapter.setBasePath(`${options.mountPath}/queues`);
  const queues = options.queues.map(({ queue, ...how }) => {
    const shown = new BoardQueue(queue, { ...how, pagePath: options.mountPath });
    shown.setFormatter('name', jobTitle);
    shown.setFormatter('data', dataWithoutTexts);
    shown.setFormatter('progress', progressWithoutTexts);
    shown.setFormatter('returnValue', resultWithoutTexts);
    return shown;
  });
  createBullBoard({
    queues,
    serverAdapter: adapter,
    options: {
      uiConfig: { boardTitle: 'healify-chat', hideRedisDetails: true },
      handlerHooks: { before: refuseWhatBreaksJobs },
    },
  });
  adapter.setErrorHandler((error) => {
    const { status, message } = toApiError(error);
    // A body that cannot be read.
    if (status < 500) return { status: status as 400, body: { error: 'ERRORS.BAD_REQUEST', message } };
    // BullMQ explains its own refusals, for example to retry a job that has not failed.
    if (status !== 503) {
      const body = { error: 'ERRORS.INTERNAL_SERVER_ERROR', message: safeMessage(error) };
      return { status: error instanceof JobElsewhereError ? 409 : 500, body };
    }
    return { status: status as 500, body: { error: 'ERRORS.INTERNAL_SERVER_ERROR', message } };
  });
  return Router().use(
    '/queues',
    markPolls,
    options.requireAdmin,
    recordChanges(options.trail),
    boardPolicy,
    noFlow,
    adapter.getRouter(),
  );
}
