import { z } from 'zod';
import { withoutMarker } from './marker.ts';

const content = z.union([
  z.string(),
  z.array(z.object({ type: z.string(), text: z.string().optional() })),
  z.null().transform(() => ''),
]);

/** The fields of a chat completions request that are read. The others are ignored. */
export const completionRequest = z.object({
  model: z.string(),
  messages: z.array(z.object({ role: z.string(), content: content.default('') })).min(1),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().optional() }).nullish(),
  max_tokens: z.int().positive().nullish(),
  max_completion_tokens: z.int().positive().nullish(),
});

export type CompletionRequest = z.output<typeof completionRequest>;

export interface Question {
  /** The last message of the user, with its marker. */
  text: string;
  /** Messages of user and assistant before it. */
  earlierTurns: number;
}

export interface Answer {
  text: string;
  finishReason: 'stop' | 'length';
  usage: { prompt_tokens: number; completion_tokens: number; total_tokens: number };
}

const EXCERPT_CHARS = 160;
const BYTES_PER_TOKEN = 4;

const textOf = (given: z.output<typeof content>) =>
  typeof given === 'string' ? given : given.map((part) => part.text ?? '').join('');

const tokensOf = (text: string) => Math.ceil(Buffer.byteLength(text) / BYTES_PER_TOKEN);

function excerpt(text: string): string {
  const line = withoutMarker(text).replace(/\s+/g, ' ');
  return line.length <= EXCERPT_CHARS ? line : `${line.slice(0, EXCERPT_CHARS).toWellFormed()}...`;
}

export function questionOf(request: CompletionRequest): Question {
  const turns = request.messages.filter((message) => message.role === 'user' || message.role === 'assistant');
  const last = turns.findLastIndex((message) => message.role === 'user');
  return { text: last < 0 ? '' : textOf(turns[last]!.content), earlierTurns: Math.max(0, last) };
}

/**
 * Makes the answer. The same request gets the same answer. It says that it is simulated, what was asked, and with what
 * context.
 * @param echo the answer is the question itself
 */
export function answerTo(request: CompletionRequest, question: Question, echo = false): Answer {
  const seen =
    question.earlierTurns === 0
      ? 'It is the first turn of this conversation.'
      : `I can see ${question.earlierTurns} earlier ${question.earlierTurns === 1 ? 'turn' : 'turns'} of this conversation, which began with "${excerpt(firstTurn(request))}".`;
  const whole = echo
    ? withoutMarker(question.text)
    : `Simulated answer: you asked "${excerpt(question.text)}". ${seen} No model was asked.`;

  const maxTokens = request.max_completion_tokens ?? request.max_tokens ?? Number.POSITIVE_INFINITY;
  const fits = tokensOf(whole) <= maxTokens;
  const text = fits
    ? whole
    : Buffer.from(whole)
        .subarray(0, maxTokens * BYTES_PER_TOKEN)
        .toString();
  const prompt = request.messages.reduce((sum, message) => sum + tokensOf(textOf(message.content)), 0);
  const completion = Math.min(tokensOf(text), maxTokens);
  return {
    text,
    finishReason: fits ? 'stop' : 'length',
    usage: { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion },
  };
}

const firstTurn = (request: CompletionRequest) =>
  textOf(request.messages.find((message) => message.role === 'user' || message.role === 'assistant')?.content ?? '');
