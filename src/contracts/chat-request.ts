import { z } from 'zod';
import { limits } from './limits.ts';
import { id, timestamp } from './scalars.ts';

export const contextTurn = z
  .object({
    role: z.enum(['user', 'assistant']),
    content: z.string().min(1).max(limits.responseChars),
  })
  .meta({ id: 'ContextTurn', description: 'An earlier turn of the conversation.' });

export const priority = z
  .enum(['interactive', 'batch'])
  .describe('batch: after all interactive requests, for work that nobody waits for.');

export const modelName = z
  .string()
  .min(1)
  .max(limits.modelNameChars)
  .describe('One of the models that are allowed; left out: the standard one.');

/** A message on `chat_requests`. Only sessionId, userId and message are required. */
export const chatRequest = z
  .object({
    version: z.literal(1).default(1),
    requestId: id,
    sessionId: id,
    userId: id,
    tenantId: id
      .optional()
      .describe('The organisation of the user. With CACHE_SCOPE=tenant, its users share the model’s calls.'),
    message: z.string().min(1).max(limits.messageChars).regex(/\S/, 'must not be blank'),
    context: z.array(contextTurn).max(limits.contextTurns).default([]),
    cache: z.boolean().default(true).describe('false: neither read nor write the answer cache.'),
    priority: priority.default('interactive'),
    model: modelName.optional(),
    stream: z
      .boolean()
      .optional()
      .describe('true: the answer is also written into an answer log while it comes. See docs/protocol.md.'),
    createdAt: timestamp.optional(),
    deadline: timestamp.optional().describe('Past it nobody waits: no model call is made.'),
  })
  .meta({ id: 'ChatRequest', description: 'A message on the queue chat_requests.' });

export type ChatRequest = z.output<typeof chatRequest>;
export type ContextTurn = z.output<typeof contextTurn>;
