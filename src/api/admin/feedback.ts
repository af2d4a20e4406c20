import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type RequestHandler, Router } from 'express';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import type { FeedbackStore } from '../../adapters/conversations/feedback-store.ts';
import type { RatedAnswer } from '../../contracts/feedback.ts';
import { feedbackExportQuery, ratedAnswer } from '../../contracts/http/feedback-bodies.ts';
import { bearer, problems } from '../docs/describe-operation.ts';
import { parse } from '../validate.ts';

/**
 * `/feedback` of the admin's API: all feedback, a line of JSON for each. It has no comments, because they are texts of
 * users, and an admin sees no text.
 * @param options.requireAdmin lets only admins pass
 */
export function createFeedbackRouter(options: {
  feedback: Pick<FeedbackStore, 'given'>;
  requireAdmin: RequestHandler;
}): Router {
  const { feedback, requireAdmin } = options;
  return Router().get('/feedback', requireAdmin, async (req, res) => {
    const { from = 0, until = Date.now() } = parse(feedbackExportQuery, req.query);
    const lines = linesOf(feedback.given({ from, until }));
    // The first line is read before the reply begins, so that a store that is away gets its error.
    const first = await lines.next();
    res.type('application/x-ndjson');
    await pipeline(Readable.from(startingWith(first, lines)), res);
  });
}

async function* linesOf(answers: AsyncIterable<RatedAnswer>): AsyncGenerator<string> {
  for await (const answer of answers) yield `${JSON.stringify(answer)}\n`;
}

async function* startingWith(first: IteratorResult<string>, rest: AsyncGenerator<string>): AsyncGenerator<string> {
  if (first.done) return;
  yield first.value;
  yield* rest;
}

/** The OpenAPI description of this route. */
export const feedbackPaths: ZodOpenApiPathsObject = {
  '/admin/feedback': {
    get: {
      tags: ['Admin'],
      security: bearer,
      summary: 'Export what users think of answers',
      description:
        'A line of JSON for each rated answer, the one that was rated first comes first. Comments are texts of users and are ' +
        'not exported. If the reply breaks off, continue with the `ratedAt` of the last line as `from`.',
      operationId: 'exportFeedback',
      requestParams: { query: feedbackExportQuery },
      responses: {
        200: { description: 'NDJSON.', content: { 'application/x-ndjson': { schema: ratedAnswer } } },
        ...problems('validation_failed', 'unauthenticated', 'forbidden', 'store_unavailable', 'identity_unavailable'),
      },
    },
  },
};
