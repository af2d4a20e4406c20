import type OpenAI from 'openai';
import type { Usage } from '../../contracts/chat-response.ts';
import { limits } from '../../contracts/limits.ts';
import { answerParameters, type ModelSettings } from './answer-parameters.ts';
import type { Model, ModelAnswer, Question } from './model.ts';
import { contentFiltered, emptyAnswer, mapModelError, modelTimedOut, unreadableAnswer } from './model-errors.ts';
import { PooledClient } from './pooled-client.ts';

export type { AnswerParameters, Model, ModelAnswer, Question } from './model.ts';

export interface ModelProviderOptions extends ModelSettings {
  apiKey: string;
  /** For the whole call, to the last byte of the answer. */
  timeoutMs: number;
  /** US dollars per million tokens; without both, the cost is null. */
  promptPrice: number | undefined;
  completionPrice: number | undefined;
}

/** A model that is asked the same way in each attempt. */
export interface ModelProvider extends Model {
  ask(question: Question, signal: AbortSignal): Promise<ModelAnswer>;
}

/** A provider that speaks the OpenAI chat completions API. Costs about 0.7 ms of CPU per call. */
export function createModelProvider(options: ModelProviderOptions): ModelProvider {
  const { timeoutMs } = options;
  const parametersOf = answerParameters(options);
  const client = new PooledClient({
    apiKey: options.apiKey,
    baseURL: options.baseUrl,
    // The workflow retries: it knows the deadline, and whether the worker is about to stop.
    maxRetries: 0,
    timeout: timeoutMs,
    // Given, so that the client does not take them from the environment; its log has messages in it.
    organization: null,
    project: null,
    logLevel: 'off',
  });

  return {
    parametersOf,
    ask: async (question, signal) => {
      signal.throwIfAborted();
      // The client's own timeout does not cover the body of an error.
      const call = new AbortController();
      const abort = () => call.abort();
      const timer = setTimeout(abort, timeoutMs);
      signal.addEventListener('abort', abort, { once: true });
      try {
        const { body } = parametersOf(question);
        return readAnswer(await client.chat.completions.create(body, { signal: call.signal }), options);
      } catch (error) {
        signal.throwIfAborted();
        throw call.signal.aborted ? modelTimedOut() : mapModelError(error);
      } finally {
        clearTimeout(timer);
        signal.removeEventListener('abort', abort);
      }
    },
  };
}

/** @param completion whatever the server sent with a status of success */
function readAnswer(completion: unknown, options: ModelProviderOptions): ModelAnswer {
  const { choices, model, usage } = (completion ?? {}) as Partial<OpenAI.Chat.ChatCompletion>;
  if (!Array.isArray(choices)) throw unreadableAnswer();
  const choice = choices[0];
  if (choice?.finish_reason === 'content_filter') throw contentFiltered();
  const text = choice?.message?.content || choice?.message?.refusal;
  if (typeof text !== 'string' || text.trim() === '') throw emptyAnswer(choice?.finish_reason === 'length');
  const isCut = text.length > limits.responseChars || choice?.finish_reason === 'length';
  return {
    response: text.slice(0, limits.responseChars),
    model: (typeof model === 'string' && model ? model : options.model).slice(0, limits.modelNameChars),
    provider: options.name,
    usage: readUsage(usage, options),
    finishReason: isCut ? 'length' : choice?.finish_reason === 'stop' ? 'stop' : null,
  };
}

/** null where the server does not count: a zero would say that nothing was charged. */
function readUsage(usage: OpenAI.CompletionUsage | undefined | null, options: ModelProviderOptions): Usage | null {
  if (!isCount(usage?.prompt_tokens) && !isCount(usage?.completion_tokens)) return null;
  const promptTokens = count(usage?.prompt_tokens);
  const completionTokens = count(usage?.completion_tokens);
  const { promptPrice, completionPrice } = options;
  const priced = usage && promptPrice !== undefined && completionPrice !== undefined;
  return {
    promptTokens,
    completionTokens,
    totalTokens: promptTokens + completionTokens,
    cost: priced ? (promptTokens * promptPrice + completionTokens * completionPrice) / 1e6 : null,
  };
}

const isCount = (tokens: unknown): tokens is number => Number.isSafeInteger(tokens) && (tokens as number) >= 0;
const count = (tokens: unknown) => (isCount(tokens) ? tokens : 0);
