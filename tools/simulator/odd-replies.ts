import type { ServerResponse } from 'node:http';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { z } from 'zod';

/** A completion as it is sent: any of its parts may be made odd. */
interface Completion {
  choices: { message: { content: unknown; [field: string]: unknown }; finish_reason: string }[];
  usage?: unknown;
}

const LARGE_CHARS = 3 * 1024 * 1024;

const halfOf = (text: unknown) => String(text).slice(0, String(text).length / 2);

function stopAt(choice: Completion['choices'][number], reason: string, content: unknown): void {
  choice.finish_reason = reason;
  choice.message.content = content;
}

/** For each mode, a function that turns a usual completion into one that some provider sends. */
const shapes = {
  length: (choice, text) => stopAt(choice, 'length', halfOf(text)),
  finish_error: (choice, text) => stopAt(choice, 'error', halfOf(text)),
  filter_cut: (choice, text) => stopAt(choice, 'content_filter', halfOf(text)),
  safety: (choice) => stopAt(choice, 'SAFETY', null),
  reasoning_only: (choice) =>
    Object.assign(choice.message, { content: null, reasoning_content: 'Simulated thinking.' }),
  parts: (choice, text) => {
    choice.message.content = [
      { type: 'thinking', thinking: [{ type: 'text', text: 'Simulated thinking.' }] },
      { type: 'text', text },
    ];
  },
  think: (choice, text) => {
    choice.message.content = `<think>\nSimulated thinking.\n</think>\n\n${text}`;
  },
  large: (choice, text) => {
    choice.message.content = String(text).padEnd(LARGE_CHARS, ' more');
  },
} satisfies Record<string, (choice: Completion['choices'][number], text: unknown) => unknown>;

/** How a body is sent: its headers, and its bytes. */
const encodings = {
  gzip: { headers: { 'content-encoding': 'gzip' }, encode: gzipSync },
  br: { headers: { 'content-encoding': 'br' }, encode: brotliCompressSync },
  deflate: { headers: { 'content-encoding': 'deflate' }, encode: deflateSync },
  text_plain: { headers: { 'content-type': 'text/plain' }, encode: (body: Buffer) => body },
  no_content_type: { headers: { 'content-type': '' }, encode: (body: Buffer) => body },
};

export const oddModes = [
  ...(Object.keys(shapes) as (keyof typeof shapes)[]),
  ...(Object.keys(encodings) as (keyof typeof encodings)[]),
  'no_usage',
  'unsupported_parameter',
  'model_not_found',
  'overflow_in_other_words',
] as const;

/** A whole reply, as `PUT /control/behavior` may set it. */
export const scriptedReply = z.strictObject({
  status: z.int().min(200).max(599).default(200),
  /** A list is a header that is sent several times. */
  headers: z.record(z.string(), z.union([z.string(), z.array(z.string())])).default({}),
  /** A string is sent unchanged, anything else as JSON. */
  body: z.unknown().default(''),
  encoding: z.enum(['gzip', 'br', 'deflate']).optional(),
});

export type ScriptedReply = z.output<typeof scriptedReply>;

/** Changes a usual completion according to the mode. Returns it unchanged for other modes. */
export function shapeCompletion<C extends Completion>(mode: string, value: C): C {
  const choice = value.choices[0]!;
  if (mode in shapes) shapes[mode as keyof typeof shapes](choice, choice.message.content);
  if (mode === 'no_usage') delete value.usage;
  return value;
}

/** Sends a body in the mode's encoding, or with its content type. */
export function sendEncoded(response: ServerResponse, mode: string, value: unknown): boolean {
  if (!(mode in encodings)) return false;
  const { headers, encode } = encodings[mode as keyof typeof encodings];
  sendBytes(
    response,
    200,
    { 'content-type': 'application/json', ...headers },
    encode(Buffer.from(JSON.stringify(value))),
  );
  return true;
}

export function sendScripted(response: ServerResponse, { status, headers, body, encoding }: ScriptedReply): void {
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  const encoded = encoding ? encodings[encoding].encode(bytes) : bytes;
  const type = { 'content-type': 'application/json', ...(encoding && encodings[encoding].headers) };
  sendBytes(response, status, { ...type, ...headers }, encoded);
}

function sendBytes(
  response: ServerResponse,
  status: number,
  headers: Record<string, string | string[]>,
  body: Buffer,
): void {
  for (const [name, value] of Object.entries(headers)) {
    if (value !== '') response.setHeader(name, value);
  }
  response.writeHead(status).end(body);
}
