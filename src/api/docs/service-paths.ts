import { z } from 'zod';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { type ApiErrorCode, apiErrors } from '../../contracts/error-codes.ts';
import { health } from '../../contracts/http/health.ts';
import { json, problems } from './describe-operation.ts';
import { messageSchemaNames } from './message-schemas.ts';

const ready = {
  200: json('It can do its work.', health),
  503: json('A dependency is down; `checks` says which.', health),
};

/** The OpenAPI description of the routes about the API itself. */
export const servicePaths: ZodOpenApiPathsObject = {
  '/health': {
    get: {
      tags: ['Health'],
      summary: 'Readiness, version and uptime',
      operationId: 'health',
      responses: ready,
    },
  },
  '/health/live': {
    get: {
      tags: ['Health'],
      summary: 'Whether the process runs',
      operationId: 'live',
      responses: { 200: json('It does.', health) },
    },
  },
  '/health/ready': {
    get: {
      tags: ['Health'],
      summary: 'Whether it can do its work',
      operationId: 'ready',
      responses: ready,
    },
  },
  '/problems/{code}': {
    get: {
      tags: ['Documentation'],
      summary: 'What a problem document means',
      operationId: 'getProblem',
      requestParams: {
        path: z.object({ code: z.enum(Object.keys(apiErrors) as [ApiErrorCode]) }),
      },
      responses: {
        200: json(
          'The problem and what to do about it.',
          z.object({ type: z.string(), code: z.string(), title: z.string(), status: z.int(), detail: z.string() }),
        ),
        ...problems('not_found'),
      },
    },
  },
  '/asyncapi.json': {
    get: {
      tags: ['Documentation'],
      summary: 'The queues and their messages',
      operationId: 'getAsyncApi',
      responses: {
        200: json('An AsyncAPI 3 document.', z.looseObject({ asyncapi: z.string() })),
      },
    },
  },
  '/schemas/{name}': {
    get: {
      tags: ['Documentation'],
      summary: 'The JSON Schema of a message',
      operationId: 'getMessageSchema',
      requestParams: { path: z.object({ name: z.enum(messageSchemaNames) }) },
      responses: {
        200: {
          description: 'A JSON Schema (2020-12).',
          content: { 'application/schema+json': { schema: z.looseObject({ $id: z.string() }) } },
        },
        ...problems('not_found'),
      },
    },
  },
  '/docs/runbooks/{file}': {
    get: {
      tags: ['Documentation'],
      summary: 'What an alert means and what to do',
      operationId: 'getRunbook',
      requestParams: { path: z.object({ file: z.string().meta({ example: 'HealifyWorkerMissing.md' }) }) },
      responses: {
        200: { description: 'Markdown, as plain text.', content: { 'text/plain': { schema: z.string() } } },
        ...problems('not_found'),
      },
    },
  },
  '/openapi.json': {
    get: {
      tags: ['Documentation'],
      summary: 'This document',
      operationId: 'getOpenApi',
      responses: {
        200: json('An OpenAPI 3.1 document.', z.looseObject({ openapi: z.string() })),
      },
    },
  },
};
