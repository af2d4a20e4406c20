import type { AnswerParameters, ModelQuestion } from './model.ts';
import { withoutThinking } from './thinking.ts';

export interface ModelSettings {
  /** The provider's name, which users are told. Two that may answer differently must not share one. */
  name: string;
  /** Up to and without `/chat/completions`. */
  baseUrl: string;
  model: string;
  systemPrompt: string;
  /** undefined: the model's own default. */
  temperature: number | undefined;
  /** The longest answer, in tokens. */
  maxTokens: number;
  /** false: what the model thinks aloud before its answer stays in the answer and in later context. */
  removeThinking?: boolean;
}

/** The one place that builds the body of a request: always with its properties in the same order. */
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
 * OpenAI's reasoning models refuse `max_tokens`, wherever they are hosted, and its own API has deprecated it. Other
 * servers know it as the only name: Mistral refuses `max_completion_tokens`, others ignore it, and then nothing
 * bounds the answer.
 */
const takesMaxCompletionTokens = ({ baseUrl, model }: ModelSettings) =>
  /(^|\.)(openai\.com|openai\.azure\.com)$/.test(new URL(baseUrl).hostname) || /^(openai\/)?(o\d|gpt-5)/.test(model);
