import type OpenAI from 'openai';
import type { LimitParameter } from './outcome.ts';

type Body = OpenAI.Chat.ChatCompletionCreateParams;

/**
 * Remembers which parameters a model has refused, and changes later requests accordingly. A limit of tokens that is
 * refused under one name is sent under the other name. If both names are refused, it is left out. A refused temperature
 * is left out too. A model that refuses to stream is asked for its whole answer.
 */
export interface AdaptedParameters {
  /** Returns the body without what the model is known to refuse. */
  adapt(body: Body): Body;
  /**
   * Remembers that a parameter was refused.
   * @returns whether the sent body had the parameter. Only then would another try send a different body
   */
  learn(refused: LimitParameter, sent: Body): boolean;
}

export function createAdaptedParameters(): AdaptedParameters {
  const refused = new Set<LimitParameter>();

  const adapt = (body: Body): Body => {
    if (refused.size === 0) return body;
    const { max_tokens, max_completion_tokens, temperature, stream, stream_options, ...rest } = body;
    const limit = max_tokens ?? max_completion_tokens;
    const given: LimitParameter = typeof max_tokens === 'number' ? 'max_tokens' : 'max_completion_tokens';
    const other: LimitParameter = given === 'max_tokens' ? 'max_completion_tokens' : 'max_tokens';
    const name = [given, other].find((each) => !refused.has(each));
    return {
      ...rest,
      ...(stream && !refused.has('stream') && { stream, ...(!refused.has('stream_options') && { stream_options }) }),
      ...(temperature !== undefined && !refused.has('temperature') && { temperature }),
      ...(name && typeof limit === 'number' && { [name]: limit }),
    } as Body;
  };

  return {
    adapt,
    learn: (parameter, sent) => {
      if (!(parameter in sent)) return false;
      refused.add(parameter);
      return true;
    },
  };
}
