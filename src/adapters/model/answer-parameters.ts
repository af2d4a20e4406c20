import type { AnswerParameters, ModelQuestion } from './model.ts';
import { withoutThinking } from './thinking.ts';

export interface ModelSettings {
  /** The provider's name, which users see. Providers that may answer differently must have different names. */
  name: string;
  /** The part of the address before `/chat/completions`. */
  baseUrl: string;
  model: string;
  systemPrompt: string;
  /** Left undefined, the model uses its own default. */
  temperature: number | undefined;
  /** The longest answer, in tokens. */
  maxTokens: number;
  /** false: the thinking that a model writes before its answer stays in the answer and in later context. */
  removeThinking?: boolean;
}

/**
 * Builds the bodies of requests. Nothing else builds them, because the hash of a question is computed from the body's
 * JSON, which depends on the order of the properties.
 */
export function answerParameters(settings: ModelSettings): (question: ModelQuestion) => AnswerParameters {
  const { name, model, systemPrompt, temperature, maxTokens, removeThinking = true } = settings;
  const system = systemPrompt === '' ? [] : [{ role: 'system' as const, content: systemPrompt }];
  const limits = {
    ...(temperature !== undefined && { temperature }),
    ...(takesMaxCompletionTokens(settings) ? { max_completion_tokens: maxTokens } : { max_tokens: maxTokens }),
  };
  return ({ message, context }) => ({
    provider: name,
    body: {
      model,
      messages: [
        ...system,
        ...context.map(({ role, content }) => ({
          role,
          content: removeThinking && role === 'assistant' ? withoutThinking(content) : content,
        })),
        { role: 'user', content: message },
      ],
      ...limits,
    },
  });
}

/**
 * OpenAI's reasoning models refuse `max_tokens` on every host, and OpenAI's own API has deprecated it. Other servers
 * know only that name. Mistral refuses `max_completion_tokens`. The rest ignore it, which would leave the answer
 * without a limit.
 */
const takesMaxCompletionTokens = ({ baseUrl, model }: ModelSettings) =>
  /(^|\.)(openai\.com|openai\.azure\.com)$/.test(new URL(baseUrl).hostname) || /^(openai\/)?(o\d|gpt-5)/.test(model);
