import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { ExpressAdapter } from '@bull-board/express';
import type { Queue } from 'bullmq';
import { type RequestHandler, Router } from 'express';
import helmet from 'helmet';
import { safeMessage } from '../../contracts/safe-message.ts';
import { toApiError } from '../problem.ts';
import { jobTitle } from './job-title.ts';

/** What the board's page needs beyond the strict policy of the API; all of it comes from here. */
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
 * Bull Board at `/queues` of the router it is mounted in.
 * @param options.mountPath where that router is: `/admin`
 * @param options.requireAdmin lets nobody else in
 */
export function createBullBoardRouter(options: {
  queue: Queue;
  mountPath: string;
  requireAdmin: RequestHandler;
}): Router {
  const adapter = new ExpressAdapter();
  adapter.setBasePath(`${options.mountPath}/queues`);
  const queue = new BullMQAdapter(options.queue);
  queue.setFormatter('name', jobTitle);
  createBullBoard({
    queues: [queue],
    serverAdapter: adapter,
    options: {
      uiConfig: { boardTitle: 'healify-chat', hideRedisDetails: true },
    },
  });
  adapter.setErrorHandler((error) => {
    const { status, message } = toApiError(error);
    // What BullMQ refuses, such as to retry a job that has not failed, it says in words of its own.
    if (status !== 503)
      return { status: 500, body: { error: 'ERRORS.INTERNAL_SERVER_ERROR', message: safeMessage(error) } };
    return { status: status as 500, body: { error: 'ERRORS.INTERNAL_SERVER_ERROR', message } };
  });
  return Router().use('/queues', options.requireAdmin, boardPolicy, adapter.getRouter());
}
