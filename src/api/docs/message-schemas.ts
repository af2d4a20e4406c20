import { z } from 'zod';
import { chatRequest } from '../../contracts/chat-request.ts';
import { chatResponse } from '../../contracts/chat-response.ts';

export type JsonSchema = z.core.JSONSchema.BaseSchema;

/** The file names under which the schemas are served and committed. */
export const messageSchemaNames = ['chat-request.json', 'chat-response.json'] as const;
export type MessageSchemaName = (typeof messageSchemaNames)[number];

/** The JSON Schemas (2020-12) of the messages of both queues, made from the schemas that the readers validate with. */
export function createMessageSchemas(): Record<MessageSchemaName, JsonSchema> {
  return {
    'chat-request.json': schemaOf(chatRequest, 'chat-request.json', {
      requestId: 'Left out: the AMQP message_id serves, else the SHA-256 of the body with reply_to and correlation_id.',
      createdAt: 'When the question was asked. One that cannot be read counts as left out.',
    }),
    'chat-response.json': { ...schemaOf(chatResponse, 'chat-response.json', {}), anyOf: outcomes },
  };
}

/**
 * How fields of a response depend on each other. In `chatResponse` these rules are code, which JSON Schema cannot show.
 */
const outcomes: JsonSchema[] = [
  { properties: { status: { const: 'completed' }, response: { type: 'string' } }, required: ['response'] },
  {
    properties: { status: { const: 'failed' }, response: { type: 'null' }, error: { type: 'object' } },
    required: ['error'],
  },
  { properties: { status: { const: 'cancelled' } } },
];

/** @param optional fields that may be missing for the reader, and what it does then */
function schemaOf(type: z.ZodType, name: MessageSchemaName, optional: Record<string, string>): JsonSchema {
  const made = z.toJSONSchema(type, { io: 'input', override: ({ jsonSchema }) => simplify(jsonSchema) });
  const title = made.$ref?.split('/').at(-1) ?? name;
  const { [title]: root = made, ...$defs } = (made.$defs ?? {}) as Record<string, JsonSchema>;
  const required = (root.required ?? []).filter((field) => !(field in optional));
  const properties = Object.entries(root.properties ?? {}).map(([field, property]) => {
    const described = { ...(property as JsonSchema), ...(field in optional && { description: optional[field]! }) };
    return [field, required.includes(field) ? described : orNull(described)];
  });
  return {
    ...{ $schema: made.$schema!, $id: `/schemas/${name}`, title },
    ...root,
    required,
    properties: Object.fromEntries(properties),
    $defs,
  };
}

/** The format of a date says everything that its long pattern says. */
function simplify(schema: JsonSchema): void {
  if (schema.format === 'date-time') delete schema.pattern;
}

const orNull = (schema: JsonSchema): JsonSchema => {
  const { anyOf = [schema] } = schema;
  const takesNull = anyOf.some((each) => (each as JsonSchema).type === 'null');
  if (takesNull) return schema;
  const { description, default: fallback, ...rest } = schema;
  return {
    anyOf: [rest, { type: 'null' }],
    ...(description !== undefined && { description }),
    ...(fallback !== undefined && { default: fallback }),
  };
};
