import { z } from 'zod';
import type { ZodOpenApiResponseObject, ZodOpenApiResponsesObject } from 'zod-openapi';
import { type ApiErrorCode, apiErrors } from '../../contracts/error-codes.ts';
import { problem } from '../../contracts/http/problem.ts';

const seconds = z.int().nonnegative();

const headers = {
  rateLimit: z.string().meta({ header: { id: 'RateLimit' }, description: 'What is left of the limit.' }),
  rateLimitPolicy: z.string().meta({ header: { id: 'RateLimit-Policy' }, description: 'The limit and its window.' }),
  retryAfter: seconds.meta({
    header: { id: 'Retry-After' },
    description: 'How many seconds to wait before trying again.',
  }),
  wwwAuthenticate: z.string().meta({ description: '`Bearer`' }),
};

/** What a token is needed for. */
export const bearer = [{ bearer: [] }];

/** What can be wrong with any JSON body. */
export const bodyFaults = ['malformed_json', 'payload_too_large', 'unsupported_media_type'] as const;

export const rateLimitHeaders = { RateLimit: headers.rateLimit, 'RateLimit-Policy': headers.rateLimitPolicy };

/** A request's JSON body. If it is not required, a missing body counts as `{}`. */
export const jsonBody = (schema: z.ZodType, { required = true }: { required?: boolean } = {}) => ({
  ...(required && { required }),
  content: { 'application/json': { schema } },
});

/** A reply with a JSON body. */
export function json(
  description: string,
  schema: z.ZodType,
  responseHeaders: Record<string, z.ZodType> = {},
): ZodOpenApiResponseObject {
  return {
    description,
    headers: z.object(responseHeaders),
    content: { 'application/json': { schema } },
  };
}

/** The problem documents that an operation may reply with, by status. `internal_error` is always among them. */
export function problems(...codes: ApiErrorCode[]): ZodOpenApiResponsesObject {
  const all = [...codes, 'internal_error'] as const;
  const statuses = new Set(all.map((code) => apiErrors[code].status));
  return Object.fromEntries(
    [...statuses].map((status) => {
      const described = all
        .filter((code) => apiErrors[code].status === status)
        .map((code) => `\`${code}\`: ${apiErrors[code].title}. ${apiErrors[code].advice}`);
      return [
        String(status),
        {
          description: described.join('\n\n'),
          headers: z.object(headersOf(status)),
          content: { 'application/problem+json': { schema: problem } },
        },
      ];
    }),
  );
}

function headersOf(status: number): Record<string, z.ZodType> {
  if (status === 401) return { 'WWW-Authenticate': headers.wwwAuthenticate };
  if (status === 429) return { 'Retry-After': headers.retryAfter, ...rateLimitHeaders };
  if (status === 503) return { 'Retry-After': headers.retryAfter };
  return {};
}
