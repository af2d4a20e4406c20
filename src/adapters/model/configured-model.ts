import type { WorkerConfig } from '../../config/schema.ts';
import { HealifyError } from '../../contracts/errors.ts';
import { type Breaker, type BreakerState, createBreaker } from './breaker.ts';
import type { Model, ModelAnswer } from './model.ts';
import { createModelProvider } from './model-provider.ts';

const SIMULATOR = 'simulator';

/** The model that the settings name: without a key the simulator, which says so as the answer's model and provider. */
export function createConfiguredModel(
  config: WorkerConfig,
  events: {
    /** A call went out and came back: `ok`, or an error's code. */
    onCall: (model: string, outcome: string, answer?: ModelAnswer) => void;
    onBreaker: (model: string, state: BreakerState) => void;
  },
): Breaker & { simulated: boolean } {
  const simulated = !config.openaiApiKey;
  const model = simulated ? SIMULATOR : config.chatModel;
  const provider = createModelProvider({
    name: simulated ? SIMULATOR : new URL(config.openaiBaseUrl).hostname,
    baseUrl: simulated ? config.modelSimulatorUrl! : config.openaiBaseUrl,
    apiKey: config.openaiApiKey ?? SIMULATOR,
    model,
    systemPrompt: config.systemPrompt,
    temperature: config.temperature,
    maxTokens: config.maxTokens,
    timeoutMs: config.modelTimeoutMs,
    promptPrice: config.promptPrice,
    completionPrice: config.completionPrice,
  });
  const breaker = createBreaker(
    watchCalls(provider, (outcome, answer) => events.onCall(model, outcome, answer)),
    {
      errorPercent: config.breakerErrorPercent,
      minCalls: config.breakerMinCalls,
      openMs: config.breakerOpenMs,
      onStateChange: (state) => events.onBreaker(model, state),
    },
  );
  events.onBreaker(model, breaker.state);
  return Object.assign(breaker, { simulated });
}

const watchCalls = (model: Model, onCall: (outcome: string, answer?: ModelAnswer) => void): Model => ({
  parametersOf: model.parametersOf,
  ask: async (question, signal) => {
    try {
      const answer = await model.ask(question, signal);
      onCall('ok', answer);
      return answer;
    } catch (error) {
      onCall(error instanceof HealifyError ? error.code : 'aborted');
      throw error;
    }
  },
});
