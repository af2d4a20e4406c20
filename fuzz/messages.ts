import type { Options } from 'amqplib';
import fc from 'fast-check';

/** A message to be published. */
export interface FuzzMessage {
  body: Buffer;
  properties: Options.Publish;
}

const required = fc.record({
  sessionId: fc.uuid(),
  userId: fc.uuid(),
  message: fc.string({ minLength: 1, maxLength: 80 }).map((text) => `q ${text}`),
});

/** Values that many clients send for a field without a value. */
const orNothing = <T>(value: fc.Arbitrary<T>, ...nothing: unknown[]) =>
  fc.oneof(value, fc.constantFrom(null, ...nothing));

/** Optional fields: absent, null, empty, or with a value. */
const optional = fc.record(
  {
    version: orNothing(fc.constantFrom(1, '1')),
    requestId: orNothing(fc.uuid(), ''),
    context: orNothing(
      fc.array(fc.record({ role: fc.constantFrom('user', 'assistant'), content: orNothing(fc.string(), '') })),
    ),
    cache: orNothing(fc.boolean()),
    priority: orNothing(fc.constantFrom('interactive', 'batch'), ''),
    model: orNothing(fc.constantFrom('gpt-4o-mini', 'unknown-model'), ''),
    createdAt: orNothing(fc.constantFrom('2026-01-01T00:00:00.123456', '2026-01-01 00:00:00+02:00', 'yesterday'), ''),
    deadline: orNothing(fc.constantFrom('2020-01-01T00:00:00Z', '2090-01-01T00:00:00', 'tomorrow'), ''),
  },
  { requiredKeys: [] },
);
const request = fc
  .tuple(fc.uuid(), required, optional)
  .map(([requestId, some, more]) => ({ version: 1, requestId, ...some, ...more }));

/** A queue that exists, so that answers to fuzzed requests can go there. */
export const REPLY_QUEUE = 'fuzz.replies';
const replyTo = fc.constantFrom(
  ...['', REPLY_QUEUE, REPLY_QUEUE, `/queues/${REPLY_QUEUE}`, '/queues/%', '/queues/', 'fuzz.gone', 'x'.repeat(200)],
  ...['chat_requests', 'chat_responses', 'chat_requests.dlq', 'chat_responses.dlq', 'chat_responses.dlq.lock'],
);

const response = fc.record({
  version: fc.constant(1),
  requestId: fc.uuid(),
  sessionId: fc.uuid(),
  userId: fc.uuid(),
  status: fc.constantFrom('completed', 'failed', 'cancelled'),
  response: fc.option(fc.string()),
  error: fc.option(fc.record({ code: fc.string(), message: fc.string(), retryable: fc.boolean() })),
  model: fc.option(fc.string()),
  provider: fc.constant(null),
  cached: fc.boolean(),
  usage: fc.constant(null),
  finishReason: fc.constant(null),
  attempts: fc.nat(),
  timings: fc.record({ waitMs: fc.double(), modelMs: fc.nat(), totalMs: fc.nat() }),
  completedAt: fc.constant('2026-01-01T00:00:00.000Z'),
});

const odd = fc.oneof(
  fc.anything({ maxDepth: 2 }),
  fc.constantFrom<unknown>(null, '', ' ', 0, -1, 1e308, '__proto__', {}, [], '\u0000', '\ud800', 'x'.repeat(20_000)),
  fc.constant({ __proto__: { admin: true }, constructor: 1, toString: null }),
);

/** A valid object, but one field is wrong, missing or unknown. */
const mutated = (valid: fc.Arbitrary<object>) =>
  fc
    .tuple(valid, fc.nat(20), odd, fc.constantFrom('replace', 'remove', 'add', 'duplicate'))
    .map(([object, at, value, how]) => {
      const entries: [string, unknown][] = Object.entries(object);
      const index = at % entries.length;
      if (how === 'replace') entries[index]![1] = value;
      if (how === 'remove') entries.splice(index, 1);
      if (how === 'add')
        entries.push([['extra', '__proto__', 'constructor', 'context', 'deadline', 'model'][at % 6]!, value]);
      if (how === 'duplicate') entries.push([entries[index]![0], value]);
      // Written by hand, because an object cannot have the same key twice.
      return `{${entries.map(([key, field]) => `${JSON.stringify(key)}:${toJson(field)}`).join(',')}}`;
    });

const toJson = (value: unknown): string => {
  try {
    return JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? String(part) : part)) ?? 'null';
  } catch {
    return 'null';
  }
};

/** The body as AMQP 1.0 clients encode it: a string or a data section, complete, cut, or of a kind that holds no text. */
const asAmqp10 = (json: string, kind: number): Buffer => {
  const text = Buffer.from(json);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(text.length);
  const [section, type] = (
    [
      [0x77, 0xb1],
      [0x75, 0xb0],
      [0x77, 0xb1],
      [0x76, 0xd0],
    ] as const
  )[kind % 4]!;
  const whole = Buffer.concat([Buffer.from([0x00, 0x53, section, type]), length, text]);
  return kind % 4 === 2 ? whole.subarray(0, -5) : whole;
};

const deep = fc.nat(3_000).map((depth) => '['.repeat(depth) + ']'.repeat(depth));

const bodyOf = (valid: fc.Arbitrary<object>): fc.Arbitrary<Buffer> =>
  fc.oneof(
    { weight: 5, arbitrary: valid.map((object) => Buffer.from(JSON.stringify(object))) },
    { weight: 5, arbitrary: mutated(valid).map((text) => Buffer.from(text)) },
    { weight: 2, arbitrary: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)) },
    { weight: 1, arbitrary: fc.json().map((text) => Buffer.from(text)) },
    { weight: 1, arbitrary: valid.map((object) => Buffer.from(JSON.stringify(object), 'utf16le')) },
    { weight: 1, arbitrary: valid.map((object) => Buffer.from(JSON.stringify(object)).subarray(0, -3)) },
    {
      weight: 1,
      arbitrary: fc.tuple(valid, fc.nat(3)).map(([object, kind]) => asAmqp10(JSON.stringify(object), kind)),
    },
    { weight: 1, arbitrary: deep.map((text) => Buffer.from(text)) },
    { weight: 1, arbitrary: fc.constant(Buffer.alloc(0)) },
  );

const shortText = fc.string({ maxLength: 200 });
const headerValue = fc.oneof(
  shortText,
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
  fc.array(shortText, { maxLength: 3 }),
);

/** RabbitMQ reads CC and BCC itself, and refuses messages with other contents in them. */
const headerName = fc.string({ minLength: 1, maxLength: 30 }).filter((name) => name !== 'CC' && name !== 'BCC');

const properties: fc.Arbitrary<Options.Publish> = fc
  .record(
    {
      contentType: fc.oneof(fc.constant('application/json'), fc.string({ maxLength: 50 })),
      contentEncoding: fc.constantFrom('utf-8', 'gzip', 'UTF-16', ''),
      messageId: fc.oneof(fc.uuid(), fc.string({ maxLength: 60 })),
      correlationId: fc.string({ maxLength: 60 }),
      replyTo: fc.oneof({ weight: 3, arbitrary: replyTo }, { weight: 1, arbitrary: fc.string({ maxLength: 60 }) }),
      type: fc.string({ maxLength: 60 }),
      appId: fc.string({ maxLength: 60 }),
      timestamp: fc.nat(),
      priority: fc.nat(255),
      headers: fc.dictionary(headerName, headerValue, { maxKeys: 4 }),
    },
    { requiredKeys: [] },
  )
  .map((some) => ({ ...some, persistent: true }));

const messageOf = (valid: fc.Arbitrary<object>): fc.Arbitrary<FuzzMessage> =>
  fc.record({ body: bodyOf(valid), properties: fc.oneof(fc.constant({ persistent: true }), properties) });

export const requestMessages = messageOf(request);
export const responseMessages = messageOf(response);

/** How an answer is signed. */
export const signings = fc.oneof(
  { weight: 3, arbitrary: fc.constant('right' as const) },
  { weight: 1, arbitrary: fc.constantFrom('not at all', 'with another key', 'for another body', 'cut', 'a number') },
);
export type Signing = 'right' | 'not at all' | 'with another key' | 'for another body' | 'cut' | 'a number';
