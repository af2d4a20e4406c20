import type { AnswerParameters, ModelQuestion } from './model.ts';
import { withoutThinking } from './thinking.ts';

export interface ModelSettings {
  /** The provider's name, which users are told. Providers that may answer differently must have different names. */
  name: string;
  /** The part of the address before `/chat/completions`. */
  baseUrl: string;
  model: string;
  systemPrompt: string;
  /** Left undefined, the model uses its own default. */
  temperature: number | undefined;
  /** The longest answer, in tokens. */
  maxTokens: number;
  /** false: what the model writes as its thinking before its answer stays in the answer and in later context. */
  removeThinking?: boolean;
}

/**
 * Builds the bodies of requests. It is the only place that does, because the hash of a question is computed from the body's
 * JSON, and so depends on the order of the properties.
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
 * OpenAI's reasoning models refuse `max_tokens` wherever they are hosted, and OpenAI's own API has deprecated it. Other
 * servers know only that name. Mistral refuses `max_completion_tokens`. Others ignore it, so that nothing limits the answer.
 */
const takesMaxCompletionTokens = ({ baseUrl, model }: ModelSettings) =>
  /(^|\.)(openai\.com|openai\.azure\.com)$/.test(new URL(baseUrl).hostname) || /^(openai\/)?(o\d|gpt-5)/.test(model);
