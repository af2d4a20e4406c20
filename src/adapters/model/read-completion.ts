import type { Usage } from '../../contracts/chat-response.ts';
import { cutText } from '../../contracts/cut-text.ts';
import { limits } from '../../contracts/limits.ts';
import { classifyError } from './classify-error.ts';
import { type ErrorEvidence, readErrorEvidence } from './error-evidence.ts';
import { empty, type Outcome, unreadable, unwell } from './outcome.ts';
import { withoutThinking } from './thinking.ts';

/** The fields of a chat completion that are read. Any of them may be missing or have another type. */
interface Completion {
  choices?: unknown;
  model?: unknown;
  usage?: unknown;
  error?: unknown;
  promptFeedback?: { blockReason?: unknown } | null;
  prompt_feedback?: { block_reason?: unknown } | null;
}

interface Choice {
  finish_reason?: unknown;
  message?: { content?: unknown; refusal?: unknown } | null;
  delta?: { content?: unknown } | null;
  text?: unknown;
  error?: unknown;
}

/** The words of different servers for why a model stopped. Other words tell us nothing. */
const FINISH = {
  stop: ['stop', 'end_turn', 'eos', 'eos_token', 'stop_sequence', 'completed', 'complete'],
  length: ['length', 'max_tokens', 'max_output_tokens', 'max_length', 'model_length'],
  content_filter: [
    'content_filter',
    'content_filtered',
    'safety',
    'prohibited_content',
    'recitation',
    'blocklist',
    'spii',
    'sensitive',
    'image_safety',
    'language',
    'refusal',
    'guardrail_intervened',
  ],
  error: [
    'error',
    'failed',
    'network_error',
    'insufficient_system_resource',
    'malformed_function_call',
    'malformed_response',
    'other',
    'abort',
    'aborted',
    'cancelled',
    'timeout',
  ],
} as const;

type Finish = keyof typeof FINISH;

function finishOf(reason: unknown): Finish | undefined {
  if (typeof reason !== 'string') return undefined;
  // Gemini says `content_filter: RECITATION`.
  const word = reason.toLowerCase().replaceAll('-', '_').split(':')[0];
  return (Object.keys(FINISH) as Finish[]).find((finish) => (FINISH[finish] as readonly string[]).includes(word!));
}

interface ReadOptions {
  removeThinking: boolean;
  isCut: boolean;
  pauseOf: (evidence: ErrorEvidence) => number | undefined;
}

/**
 * Reads the JSON of a reply whose status says success.
 * @param options.isCut the reply was longer than allowed, and this is only its beginning
 * @param options.pauseOf how long an error in the body asks us to wait, in ms
 */
export function readCompletion(body: unknown, options: ReadOptions): Outcome {
  const completion = (typeof body === 'object' && body !== null ? body : {}) as Completion;
  const { choices, promptFeedback, prompt_feedback } = completion;
  if (promptFeedback?.blockReason || prompt_feedback?.block_reason) return { kind: 'refused' };
  if (!Array.isArray(choices) || isError(completion.error)) return readErrorWithin(body, options);

  const choice = (choices[0] ?? {}) as Choice;
  const finish = finishOf(choice.finish_reason);
  if (isError(choice.error)) return readErrorWithin({ error: choice.error }, options);
  if (finish === 'error') {
    return unwell('model_unavailable', 'the provider broke off within its answer', { charged: true });
  }
  const said =
    textOf((choice.message ?? choice.delta)?.content) || textOf(choice.text) || textOf(choice.message?.refusal);
  const whole = (options.removeThinking ? withoutThinking(said) : said).toWellFormed();
  if (whole.trim() === '') return finish === 'content_filter' ? { kind: 'refused' } : emptyOf(finish, said);
  const response = cutText(whole, limits.responseChars);
  const isCut = options.isCut || response.length < whole.length;
  return {
    kind: 'answer',
    response,
    model: nameOf(completion.model),
    usage: readUsage(completion.usage),
    finishReason: isCut ? 'length' : (finish ?? null),
  };
}

/** Some servers send an empty `error` with each answer. That is no error. */
export const isError = (error: unknown) =>
  typeof error === 'object' && error !== null ? Object.values(error).some(Boolean) : Boolean(error);

/** Reads an error in the body of a reply whose status says success. */
function readErrorWithin(body: unknown, { pauseOf }: ReadOptions): Outcome {
  const evidence = readErrorEvidence(body);
  const saysSomething = evidence.statuses.length + evidence.words.size + evidence.texts.length > 0;
  if (!saysSomething) return unreadable('the reply is not a chat completion');
  const status = evidence.statuses[0] ?? 200;
  return classifyError({ status, evidence, isPage: false, pauseMs: pauseOf(evidence), charged: true });
}

/** @param said the text, which was only thinking */
function emptyOf(finish: Finish | undefined, said: string): Outcome {
  if (finish === 'length') return empty('the model reached its longest answer (MAX_TOKENS) before it said anything');
  return empty(said === '' ? 'the model gave no text' : 'the model thought, and gave no answer');
}

/** The text of a content, which is a text or a list of parts. Parts with thinking are left out. */
export function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  if (Array.isArray(content)) return content.map(textOf).join('');
  if (typeof content !== 'object' || content === null) return '';
  const { type, text, refusal, value } = content as Record<string, unknown>;
  if (typeof type === 'string' && /thinking|reasoning|thought/i.test(type)) return '';
  return textOf(text ?? refusal ?? value);
}

export const nameOf = (model: unknown) =>
  typeof model === 'string' && model !== '' ? cutText(model.toWellFormed(), limits.modelNameChars) : undefined;

/** null if the server does not count tokens. A zero would mean that nothing was charged. */
function readUsage(usage: unknown): Pick<Usage, 'promptTokens' | 'completionTokens'> | null {
  const given = (typeof usage === 'object' && usage !== null ? usage : {}) as Record<string, unknown>;
  const promptTokens = given.prompt_tokens ?? given.input_tokens;
  const completionTokens = given.completion_tokens ?? given.output_tokens;
  if (!isCount(promptTokens) || !isCount(completionTokens) || promptTokens + completionTokens === 0) return null;
  return { promptTokens, completionTokens };
}

const isCount = (tokens: unknown): tokens is number => Number.isSafeInteger(tokens) && (tokens as number) >= 0;
