import { hash } from 'node:crypto';
import { allowedModelsOf } from '../../config/allowed-models.ts';
import type { WorkerConfig } from '../../config/settings.ts';
import type { PartialUsage } from '../../contracts/chat-response.ts';
import { HealifyError, RequestFailure } from '../../contracts/errors.ts';
import type { GateCause } from '../../contracts/gates.ts';
import type { ModelAnswer } from '../../contracts/model-answer.ts';
import { type TextTerms, textRefusal } from '../../contracts/text-permission.ts';
import type { Tracer } from '../../contracts/tracer.ts';
import type { Redis, Subscriber } from '../redis/redis.ts';
import { type Breaker, createBreaker } from './breaker.ts';
import { traceCalls } from './call-span.ts';
import { createChosenModel } from './chosen-model.ts';
import { createFallbackModel } from './fallback-model.ts';
import { type RegisteredGate, registerGate } from './gate-admin.ts';
import { createDirectDispatcher, createDispatcher } from './http/dispatcher.ts';
import { createPatternFinder } from './identities/find-by-patterns.ts';
import type { FindIdentities } from './identities/identity.ts';
import { PLACEHOLDER_HINT, withoutIdentities } from './identities/without-identities.ts';
import type { Model } from './model.ts';
import { createModelProvider, type ModelProviderOptions } from './model-provider.ts';
import { createProviderGate, type GateState } from './provider-gate.ts';

const SIMULATOR = 'simulator';
/** How often a worker registers its gates. */
const REGISTER_MS = 3_600_000;

/** A provider's name and one of its models. */
export interface Target {
  provider: string;
  model: string;
}

/** A provider's model, and where the provider processes texts; '' if nobody has said so. */
export interface AskedTarget extends Target {
  region: string;
}

/** How a call of a model has ended. */
export interface CallEnd {
  /** `ok`, or the code of the error. */
  outcome: string;
  durationMs: number;
  /** '' if there is none. */
  traceId: string;
  answer?: ModelAnswer;
  /** Why the call may have been charged without an answer. */
  uncertain?: 'aborted' | 'no answer' | undefined;
  /** How many tokens such a call had streamed. It is an estimate unless the provider has reported them. */
  lostTokens?: number | undefined;
  /** How long a call that streams took to its first text. */
  firstTextMs?: number | undefined;
}

type ProviderFields = 'name' | 'baseUrl' | 'apiKey' | 'model' | 'promptPrice' | 'completionPrice' | 'dispatcher';

type ConfiguredProvider = Pick<ModelProviderOptions, ProviderFields> &
  TextTerms & {
    /** It is the simulator of this machine, so no text leaves. */
    isLocal: boolean;
  };

/** Makes it visible that two keys differ, without showing the keys. */
const fingerprintOf = (key: string) => hash('sha256', key).slice(0, 8);

export type CreateProvider = (options: ModelProviderOptions) => Model;

export interface ConfiguredModel extends Model {
  /** Whether there is no key, so that the model simulator answers. */
  readonly simulated: boolean;
  /**
   * The names of the models that a question may choose and that may be asked now, because the gate of the model or of a
   * fallback is open. '' is among them if the standard model is.
   */
  askable(): string[];
  /** Whether the gate of the model itself is open, whatever its fallbacks do. @param model undefined: the standard model */
  isOpen(model: string | undefined): boolean;
  close(): void;
}

/**
 * Makes the models that the settings name: those that a question may choose at the first provider, and the fallbacks. Each
 * is behind a breaker. Without a key, the simulator answers, and its answers name it as their model and provider.
 * @param options.redis has the state of the gates, which all workers share. Its commands must fail soon when Redis is away
 * @param options.subscriber a connection to the same Redis that is used for subscriptions
 * @param options.keyOf reads a key from the environment
 */
export function createConfiguredModel(
  config: WorkerConfig,
  options: {
    createProvider?: CreateProvider | undefined;
    tracer?: Tracer | undefined;
    redis: Redis;
    subscriber: Subscriber;
    keyOf: (variable: string) => string;
    onCall: (target: AskedTarget, end: CallEnd) => void;
    /** Called for each call, with the number of parts that were kept from the provider, by kind. */
    onRemoved?: (removed: ReadonlyMap<string, number>) => void;
    /** Finds what is kept from providers if REMOVE_IDENTITIES is set. Left out: the finder that is included. */
    findIdentities?: FindIdentities | undefined;
    /** @param change.keyFingerprint tells which key is in use, without showing it */
    onBreaker: (
      target: Target,
      change: { state: GateState; cause: GateCause | undefined; keyFingerprint: string },
    ) => void;
  },
): ConfiguredModel {
  const { createProvider = createModelProvider, tracer, redis, subscriber, onCall, onBreaker } = options;
  const { onRemoved = () => {}, findIdentities = createPatternFinder(config) } = options;
  const simulated = !config.openaiApiKey;
  const breakers: Breaker[] = [];
  const gates = new Map<string, RegisteredGate>();
  const registerGates = () => {
    for (const [name, target] of gates) registerGate(redis, name, target).catch(() => {});
  };
  redis.on('ready', registerGates);
  const registration = setInterval(registerGates, REGISTER_MS);
  registration.unref();
  // The simulator runs on this machine, so no proxy is used for it.
  const proxied = createDispatcher(config);
  const dispatcher = simulated ? createDirectDispatcher() : proxied;

  const systemPrompt = [config.systemPrompt, config.removeIdentities ? PLACEHOLDER_HINT : '']
    .filter((part) => part !== '')
    .join('\n\n');

  /** Returns nothing for a provider that may not be given texts. It is never asked, and operators see why. */
  const behindBreaker = ({ region, agreement, ...provider }: ConfiguredProvider): Breaker[] => {
    const target = { provider: provider.name, model: provider.model };
    const name = `${target.provider}/${target.model}`;
    const keyFingerprint = fingerprintOf(provider.apiKey);
    const refusal = provider.isLocal ? undefined : textRefusal({ region, agreement }, config);
    gates.set(name, { ...target, region, agreement, refusal });
    if (refusal) return [];
    const gate = createProviderGate({
      name,
      provider: target.provider,
      key: keyFingerprint,
      redis,
      subscriber,
      shutMs: config.breakerOpenMs,
      onStateChange: (state, cause) => onBreaker(target, { state, cause, keyFingerprint }),
    });
    const limits = { maxTokens: config.maxTokens, temperature: config.temperature };
    const asked = createProvider({
      ...provider,
      systemPrompt,
      ...limits,
      removeThinking: config.modelThinking === 'remove',
      firstByteTimeoutMs: config.modelFirstTokenTimeoutMs,
      idleTimeoutMs: config.modelTokenTimeoutMs,
      timeoutMs: config.modelTimeoutMs,
      maxReplyBytes: config.modelMaxReplyBytes,
      maxPauseMs: config.modelMaxPauseMs,
    });
    const traced = tracer ? traceCalls(asked, tracer, { ...target, ...limits, baseUrl: provider.baseUrl }) : asked;
    const breaker = createBreaker(
      watchCalls(traced, (end) => onCall({ ...target, region }, end)),
      gate,
      {
        errorPercent: config.breakerErrorPercent,
        minCalls: config.breakerMinCalls,
        maxConsecutive: config.breakerMaxConsecutive,
        shutMs: config.breakerOpenMs,
      },
    );
    onBreaker(target, { state: breaker.state, cause: undefined, keyFingerprint });
    breakers.push(breaker);
    return [breaker];
  };

  const fallbacks = config.modelFallbacks.flatMap(({ apiKeyEnv, ...provider }) =>
    behindBreaker({
      ...provider,
      isLocal: false,
      region: provider.region ?? '',
      agreement: provider.agreement ?? '',
      dispatcher: proxied,
      apiKey: options.keyOf(apiKeyEnv),
      promptPrice: provider.promptPrice,
      completionPrice: provider.completionPrice,
    }),
  );
  const first = {
    name: simulated ? SIMULATOR : new URL(config.openaiBaseUrl).hostname,
    baseUrl: simulated ? config.modelSimulatorUrl! : config.openaiBaseUrl,
    dispatcher,
    apiKey: config.openaiApiKey ?? SIMULATOR,
    promptPrice: config.pricePrompt,
    completionPrice: config.priceCompletion,
    isLocal: simulated,
    region: simulated ? '' : config.modelRegion,
    agreement: simulated ? '' : config.modelAgreement,
  };
  // The settings were refused unless one of them may be given texts.
  const allowed = new Map(
    allowedModelsOf(config).map((name) => {
      const asked = [...behindBreaker({ ...first, model: simulated ? SIMULATOR : name }), ...fallbacks];
      return [name, asked as [Breaker, ...Breaker[]]];
    }),
  );
  const models = new Map(
    [...allowed].map(([name, breakers]) => [name, createFallbackModel(breakers, config.fallbackAfterAttempts)]),
  );
  const chosen = createChosenModel(models, config.chatModel);
  const model = config.removeIdentities
    ? withoutIdentities(chosen, { find: findIdentities, key: config.messageSigningKey[0] ?? '', onRemoved })
    : chosen;

  if (redis.status === 'ready') registerGates();

  return {
    ...model,
    simulated,
    askable: () => {
      const names = [...allowed]
        .filter(([, asked]) => asked.some(({ state }) => state === 'open'))
        .map(([name]) => name);
      return names.includes(config.chatModel) ? ['', ...names] : names;
    },
    isOpen: (model = config.chatModel) => allowed.get(model)?.[0].state === 'open',
    close: () => {
      clearInterval(registration);
      redis.off('ready', registerGates);
      for (const breaker of breakers) breaker.close();
      for (const pool of new Set([dispatcher, proxied])) pool.destroy().catch(() => {});
    },
  };
}

const watchCalls = (model: Model, onCall: (end: CallEnd) => void): Model => ({
  parametersOf: model.parametersOf,
  ask: async (question, signal, attempt, options) => {
    const startedAt = performance.now();
    const end = () => ({ durationMs: performance.now() - startedAt, traceId: question.traceId ?? '' });
    let firstTextMs: number | undefined;
    let lostTokens = 0;
    const progress = options?.progress;
    const watched = progress && {
      ...options,
      progress: {
        begun: (call: { provider: string; model: string }) => {
          firstTextMs ??= performance.now() - startedAt;
          progress.begun(call);
        },
        text: (piece: string) => progress.text(piece),
      },
      onLost: (lost: PartialUsage) => {
        lostTokens += lost.completionTokens;
        options.onLost?.(lost);
      },
    };
    try {
      const answer = await model.ask(question, signal, attempt, watched ?? options);
      onCall({ ...end(), outcome: 'ok', answer, firstTextMs });
      return answer;
    } catch (error) {
      const outcome = error instanceof HealifyError ? error.code : 'aborted';
      onCall({ ...end(), outcome, firstTextMs, ...uncertaintyOf(error, signal, lostTokens) });
      throw error;
    }
  },
});

const uncertaintyOf = (error: unknown, signal: AbortSignal, lostTokens: number): Partial<CallEnd> => {
  const tokens = lostTokens > 0 ? { lostTokens } : {};
  if (signal.aborted) return { uncertain: 'aborted', ...tokens };
  const isCharged = lostTokens > 0 || (error instanceof RequestFailure && error.mayBeCharged);
  return isCharged ? { uncertain: 'no answer', ...tokens } : {};
};
