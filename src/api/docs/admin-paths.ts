import { z } from 'zod';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import {
  dropOptions,
  dropReport,
  letterFilter,
  letterGroups,
  letterPage,
  redriveOptions,
  redriveReport,
  showOptions,
} from '../../contracts/dead-letters.ts';
import { gateList, openedGate, openGateBody } from '../../contracts/gates.ts';
import { REQUESTS_QUEUE, RESPONSES_QUEUE } from '../../contracts/queues.ts';
import { json, problems } from './responses.ts';

const tags = ['Admin'];
const security = [{ bearer: [] }];
const path = z.object({ queue: z.enum([REQUESTS_QUEUE, RESPONSES_QUEUE]) });
const faults = [
  'validation_failed',
  'unauthenticated',
  'forbidden',
  'not_found',
  'dead_letters_in_use',
  'broker_unavailable',
  'identity_unavailable',
] as const;
const gateFaults = ['unauthenticated', 'forbidden', 'store_unavailable', 'identity_unavailable'] as const;
const bodyFaults = ['malformed_json', 'payload_too_large', 'unsupported_media_type'] as const;

/** What an admin does with messages that could not be processed. */
export const adminPaths: ZodOpenApiPathsObject = {
  '/admin/dead-letters/{queue}': {
    get: {
      tags,
      security,
      summary: 'Dead letters of a queue, by cause',
      operationId: 'listDeadLetters',
      requestParams: { path, query: letterFilter },
      responses: { 200: json('How many there are, and why.', letterGroups), ...problems(...faults) },
    },
  },
  '/admin/dead-letters/{queue}/messages': {
    get: {
      tags,
      security,
      summary: 'Dead letters of a queue, oldest first',
      operationId: 'showDeadLetters',
      requestParams: { path, query: showOptions },
      responses: { 200: json('The first of them.', letterPage), ...problems(...faults) },
    },
  },
  '/admin/dead-letters/{queue}/redrive': {
    post: {
      tags,
      security,
      summary: 'Send dead letters back to their queue',
      description:
        'Sends at most 1,000 letters in a call, and at most as many as `rate` allows in a minute. If `left` is not 0, call ' +
        'again. With a `canary` the reply takes up to a minute longer.',
      operationId: 'redriveDeadLetters',
      requestParams: { path },
      requestBody: { content: { 'application/json': { schema: redriveOptions } } },
      responses: {
        200: json('What was done; `stopped` says why it ended early, if it did.', redriveReport),
        ...problems(...faults, ...bodyFaults),
      },
    },
  },
  '/admin/dead-letters/{queue}/drop': {
    post: {
      tags,
      security,
      summary: 'Remove dead letters for good',
      description: 'At most 1,000 in a call.',
      operationId: 'dropDeadLetters',
      requestParams: { path },
      requestBody: { required: true, content: { 'application/json': { schema: dropOptions } } },
      responses: { 200: json('What was done.', dropReport), ...problems(...faults, ...bodyFaults) },
    },
  },
  '/admin/gates': {
    get: {
      tags,
      security,
      summary: 'See which model providers may be asked',
      operationId: 'listGates',
      responses: { 200: json('All gates, by name.', gateList), ...problems(...gateFaults) },
    },
  },
  '/admin/gates/open': {
    post: {
      tags,
      security,
      summary: 'Have a model provider asked again at once',
      description: 'Ends its pause for all workers. If it is still out of order, the next call shuts the gate again.',
      operationId: 'openGate',
      requestBody: { required: true, content: { 'application/json': { schema: openGateBody } } },
      responses: {
        200: json('It may be asked.', openedGate),
        ...problems('validation_failed', 'not_found', ...gateFaults, ...bodyFaults),
      },
    },
  },
};
