import type { Redis } from 'ioredis';
import type { WorkerConfig } from '../../config/schema.ts';
import { HealifyError } from '../../contracts/errors.ts';
import { type Breaker, createBreaker } from './breaker.ts';
import { createChosenModel } from './chosen-model.ts';
import { createFallbackModel } from './fallback-model.ts';
import type { Model, ModelAnswer } from './model.ts';
import { createModelProvider, type ModelProviderOptions } from './model-provider.ts';
import { createProviderGate, type GateState } from './provider-gate.ts';

const SIMULATOR = 'simulator';
/** A probe's worker has died if it says nothing so long after the call's own time is over. */
const PROBE_GRACE_MS = 5_000;

/** Who is asked: a provider's name, and its model. */
export interface Target {
  provider: string;
  model: string;
}

export type CreateProvider = (options: ModelProviderOptions) => Model;

export interface ConfiguredModel extends Model {
  /** The model simulator answers, because there is no key. */
  readonly simulated: boolean;
  close(): void;
}

/**
 * The models that the settings name: the chosen one at the first provider, and those to fall back on, each behind a
 * breaker. Without a key the simulator, which says so as the answer's model and provider.
 * @param options.redis where the breakers' state is that all workers share; its commands must fail soon when it is away
 * @param options.subscriber a connection that is subscribed, to the same
 * @param options.keyOf reads a key from the environment
 */
export function createConfiguredModel(
  config: WorkerConfig,
  options: {
    createProvider?: CreateProvider | undefined;
    redis: Redis;
    subscriber: Redis;
    keyOf: (variable: string) => string;
    /** A call went out and came back: `ok`, or an error's code. */
    onCall: (target: Target, outcome: string, answer?: ModelAnswer) => void;
    onBreaker: (target: Target, state: GateState) => void;
  },
): ConfiguredModel {
  const { createProvider = createModelProvider, redis, subscriber, onCall, onBreaker } = options;
  const simulated = !config.openaiApiKey;
  const breakers: Breaker[] = [];

  const behindBreaker = (
    provider: Pick<ModelProviderOptions, 'name' | 'baseUrl' | 'apiKey' | 'model' | 'promptPrice' | 'completionPrice'>,
  ) => {
    const target = { provider: provider.name, model: provider.model };
    const gate = createProviderGate({
      name: `${target.provider}/${target.model}`,
      redis,
      subscriber,
      openMs: config.breakerOpenMs,
      probeMs: config.modelTimeoutMs + PROBE_GRACE_MS,
      onStateChange: (state) => onBreaker(target, state),
    });
    const asked = createProvider({
      ...provider,
      systemPrompt: config.systemPrompt,
      temperature: config.temperature,
      maxTokens: config.maxTokens,
      timeoutMs: config.modelTimeoutMs,
    });
    const breaker = createBreaker(
      watchCalls(asked, (outcome, answer) => onCall(target, outcome, answer)),
      gate,
      {
        errorPercent: config.breakerErrorPercent,
        minCalls: config.breakerMinCalls,
        maxConsecutive: config.breakerMaxConsecutive,
        openMs: config.breakerOpenMs,
      },
    );
    onBreaker(target, breaker.state);
    breakers.push(breaker);
    return breaker;
  };

  const fallbacks = config.fallbacks.map(({ apiKeyEnv, ...provider }) =>
    behindBreaker({
      ...provider,
      apiKey: options.keyOf(apiKeyEnv),
      promptPrice: provider.promptPrice,
      completionPrice: provider.completionPrice,
    }),
  );
  const first = {
    name: simulated ? SIMULATOR : new URL(config.openaiBaseUrl).hostname,
    baseUrl: simulated ? config.modelSimulatorUrl! : config.openaiBaseUrl,
    apiKey: config.openaiApiKey ?? SIMULATOR,
    promptPrice: config.promptPrice,
    completionPrice: config.completionPrice,
  };
  const allowed = [...new Set([config.chatModel, ...config.allowedModels])].map((name) => {
    const chosen = behindBreaker({ ...first, model: simulated ? SIMULATOR : name });
    return [name, createFallbackModel([chosen, ...fallbacks], config.fallbackAfterAttempts)] as const;
  });

  return {
    ...createChosenModel(new Map(allowed), config.chatModel),
    simulated,
    close: () => {
      for (const breaker of breakers) breaker.close();
    },
  };
}

const watchCalls = (model: Model, onCall: (outcome: string, answer?: ModelAnswer) => void): Model => ({
  parametersOf: model.parametersOf,
  ask: async (question, signal, attempt) => {
    try {
      const answer = await model.ask(question, signal, attempt);
      onCall('ok', answer);
      return answer;
    } catch (error) {
      onCall(error instanceof HealifyError ? error.code : 'aborted');
      throw error;
    }
  },
});
