import type { ServerResponse } from 'node:http';
import type { Answer } from './answer.ts';
import { type Fault, streaming } from './behavior.ts';
import { shapeCompletion } from './odd-replies.ts';
import { contentOf, idOf, MODEL, nowSeconds } from './reply.ts';

/** How often a stalled stream with comments sends one. */
const COMMENT_MS = 1_000;

/** What is written next, and how long after what was written before it. It is made when it is written. */
interface Step {
  bytes: () => string;
  afterMs: number;
}

/**
 * Sends the answer word by word as server-sent events. A word counts as a token.
 * @param options.spreadMs how long it takes from the first word to the last, unless the fault says how many tokens come in a second
 */
export function streamCompletion(
  response: ServerResponse,
  fault: Fault,
  answer: Answer,
  options: { serial: number; includeUsage: boolean; spreadMs: number },
): void {
  const steps = stepsOf(fault, answer, options);
  const resets = fault.mode === 'cut' || (fault.stream?.breakAt !== undefined && fault.stream.breakBy === 'reset');
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  let sent = 0;
  /** When the next step is due. A timer that fires late delays no later step. */
  let dueAt = performance.now();
  let timer: NodeJS.Timeout | undefined;
  response.on('close', () => clearTimeout(timer));
  const sendNext = () => {
    // What is due at once goes into one write.
    let due = '';
    do {
      due += steps[sent]!.bytes();
      sent += 1;
    } while (sent < steps.length && steps[sent]!.afterMs === 0);
    const finish = sent < steps.length ? () => {} : () => (resets ? response.destroy() : response.end());
    writeAll(response, due, fault.stream?.cutBytes ?? false, finish);
    if (sent === steps.length) return;
    dueAt += steps[sent]!.afterMs;
    timer = setTimeout(sendNext, Math.max(0, dueAt - performance.now()));
  };
  sendNext();
}

function writeAll(response: ServerResponse, text: string, cutBytes: boolean, done: () => void): void {
  if (!cutBytes) {
    response.write(text, done);
    return;
  }
  const bytes = Buffer.from(text);
  const within = bytes.findIndex((byte) => byte >= 0xc0) + 1;
  const at = within > 0 ? within : Math.floor(bytes.length / 2);
  response.write(bytes.subarray(0, at));
  // Otherwise the client would most likely see both halves at once.
  setImmediate(() => response.write(bytes.subarray(at), done));
}

function stepsOf(
  fault: Fault,
  answer: Answer,
  options: { serial: number; includeUsage: boolean; spreadMs: number },
): Step[] {
  const { tokensPerSecond, tokens, stallAt, stallMs, breakAt, breakBy, comments, usage, times } =
    fault.stream ?? streaming.parse({});
  const head = { id: idOf(options.serial), object: 'chat.completion.chunk', created: nowSeconds(), model: MODEL };
  const isUsageAsked = options.includeUsage && usage !== 'none';
  const event = (delta: object, finishReason: string | null = null, more: object = {}) =>
    `data: ${JSON.stringify({
      ...head,
      choices: [{ index: 0, delta, finish_reason: finishReason }],
      ...(isUsageAsked && { usage: null }),
      ...more,
    })}\n\n`;

  const shaped = shapeCompletion(fault.mode, {
    choices: [{ message: { content: contentOf(fault, answer) as unknown }, finish_reason: finishOf(fault, answer) }],
  }).choices[0]!;
  const { content, ...beside } = shaped.message as { content: unknown };
  const words = wordsOf(content, tokens);
  const breaksBefore = fault.mode === 'cut' ? Math.ceil(words.length / 2) + 1 : breakAt;
  const written = breaksBefore === undefined ? words : words.slice(0, breaksBefore - 1);
  const pauseMs = tokensPerSecond ? 1000 / tokensPerSecond : options.spreadMs / (words.length + 2);

  const steps: Step[] = [{ bytes: () => event({ role: 'assistant', content: '', ...beside }), afterMs: 0 }];
  for (const [index, word] of written.entries()) {
    if (index + 1 === stallAt) steps.push(...stalled(stallMs, comments));
    const isLast = index === words.length - 1;
    const more = isLast && usage === 'with-last-token' ? { usage: answer.usage } : {};
    steps.push({
      bytes: () => (comments ? ': keep-alive\n\n' : '') + event({ content: times ? timeNow() : word }, null, more),
      afterMs: pauseMs,
    });
    if (fault.mode === 'invalid_json' && index === Math.ceil(words.length / 2)) {
      steps.push({ bytes: () => 'data: {"id": "chatcmpl-\n\n', afterMs: 0 });
    }
  }
  if (breaksBefore !== undefined) {
    const error = { error: { message: 'Simulated: the stream broke off', type: 'server_error', code: null } };
    if (breakBy === 'error' && fault.mode !== 'cut')
      steps.push({ bytes: () => `data: ${JSON.stringify(error)}\n\n`, afterMs: pauseMs });
    return steps;
  }
  const usageEvent = `data: ${JSON.stringify({ ...head, choices: [], usage: answer.usage })}\n\n`;
  const hasUsage = isUsageAsked && usage === 'asked' && fault.mode !== 'no_usage';
  steps.push({ bytes: () => event({}, shaped.finish_reason), afterMs: pauseMs });
  steps.push({ bytes: () => `${hasUsage ? usageEvent : ''}data: [DONE]\n\n`, afterMs: 0 });
  return steps;
}

/**
 * The time as a token: µs of the machine's monotonic clock, and a blank. All processes of a machine share this clock, so whoever
 * sees the token knows how old it is.
 */
const timeNow = () => `${process.hrtime.bigint() / 1000n} `;

const finishOf = (fault: Fault, answer: Answer): string =>
  fault.mode === 'content_filter' ? 'content_filter' : answer.finishReason;

/** The pieces in which a content is written: its words, repeated or cut to `tokens`. Parts are written as they are. */
function wordsOf(content: unknown, tokens: number | undefined): unknown[] {
  if (Array.isArray(content)) return content.map((part) => [part]);
  const words = String(content ?? '').match(/\S+\s*/g) ?? [];
  if (tokens === undefined || words.length === 0) return words;
  return Array.from({ length: tokens }, (_, index) => {
    const word = words[index % words.length]!;
    return word.endsWith(' ') ? word : `${word} `;
  });
}

function stalled(ms: number, comments: boolean): Step[] {
  if (!comments) return [{ bytes: () => ': \n\n', afterMs: ms }];
  const count = Math.max(1, Math.floor(ms / COMMENT_MS));
  return Array.from({ length: count }, () => ({ bytes: () => ': keep-alive\n\n', afterMs: ms / count }));
}
