import type { AnswerParameters } from './model.ts';
import type { LimitParameter } from './outcome.ts';

type Body = AnswerParameters['body'];

/**
 * What was learnt of a model from its refusals: which of our parameters it does not know. A limit of tokens that is refused
 * under one name is sent under the other; one that is refused under both is left out, as is a refused temperature.
 */
export interface AdaptedParameters {
  /** The body as the model takes it, as far as that is known. */
  adapt(body: Body): Body;
  /** Whether the refusal of this parameter teaches something: whether the body would be another one now. */
  learn(refused: LimitParameter, sent: Body): boolean;
}

export function createAdaptedParameters(): AdaptedParameters {
  const refused = new Set<LimitParameter>();

  const adapt = (body: Body): Body => {
    if (refused.size === 0) return body;
    const { max_tokens, max_completion_tokens, temperature, ...rest } = body;
    const limit = max_tokens ?? max_completion_tokens;
    const given: LimitParameter = typeof max_tokens === 'number' ? 'max_tokens' : 'max_completion_tokens';
    const other: LimitParameter = given === 'max_tokens' ? 'max_completion_tokens' : 'max_tokens';
    const name = [given, other].find((each) => !refused.has(each));
    return {
      ...rest,
      ...(temperature !== undefined && !refused.has('temperature') && { temperature }),
      ...(name && typeof limit === 'number' && { [name]: limit }),
    };
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
