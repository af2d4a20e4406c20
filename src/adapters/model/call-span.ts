import { HealifyError } from '../../contracts/errors.ts';
import type { ModelAnswer } from '../../contracts/model-answer.ts';
import type { SpanAttributes, Tracer } from '../../contracts/tracer.ts';
import { onFirstText } from './first-text.ts';
import type { Model } from './model.ts';

/** Who is asked, and with what. */
export interface AskedModel {
  provider: string;
  model: string;
  baseUrl: string;
  maxTokens: number;
  temperature: number | undefined;
}

/** Puts each call of a model in a span. The span says who was asked and what it cost, and nothing of what was said. */
export function traceCalls(model: Model, tracer: Tracer, asked: AskedModel): Model {
  const shared: SpanAttributes = {
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': asked.provider,
    'gen_ai.request.model': asked.model,
    'gen_ai.request.max_tokens': asked.maxTokens,
    ...(asked.temperature !== undefined && { 'gen_ai.request.temperature': asked.temperature }),
    'server.address': new URL(asked.baseUrl).hostname,
  };
  return {
    parametersOf: model.parametersOf,
    ask: async (question, signal, attempt, options) => {
      const span = tracer.start({
        name: `chat ${asked.model}`,
        kind: 'client',
        parent: options?.traceparent,
        shared,
      });
      if (options?.progress) span.set({ 'gen_ai.request.stream': true });
      const startedAt = performance.now();
      const watched = onFirstText(options, () =>
        span.set({ 'gen_ai.response.time_to_first_chunk': (performance.now() - startedAt) / 1000 }),
      );
      try {
        const answer = await model.ask(question, signal, attempt, watched);
        span.set(attributesOf(answer));
        return answer;
      } catch (error) {
        span.fail(error instanceof HealifyError ? error.code : 'aborted');
        throw error;
      } finally {
        span.end();
      }
    },
  };
}

const attributesOf = ({ model, finishReason, usage }: ModelAnswer): SpanAttributes => ({
  'gen_ai.response.model': model,
  ...(finishReason && { 'gen_ai.response.finish_reasons': [finishReason] }),
  ...(usage && {
    'gen_ai.usage.input_tokens': usage.promptTokens,
    'gen_ai.usage.output_tokens': usage.completionTokens,
  }),
});
