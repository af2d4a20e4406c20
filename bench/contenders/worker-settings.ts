import { answerParameters } from '../../src/adapters/model/answer-parameters.ts';
import type { CreateProvider } from '../../src/adapters/model/configured-model.ts';
import { loadWorkerConfig } from '../../src/config/load.ts';
import { instantAnswer, SYSTEM_PROMPT } from './ask-model.ts';
import { settings } from './settings.ts';

/** A worker's default settings. Without a server for the model it needs an `instantProvider`. */
export const workerConfig = loadWorkerConfig({
  ...process.env,
  MODEL_SIMULATOR_URL: settings.modelUrl ?? 'http://instant.invalid/v1',
  SYSTEM_PROMPT,
  // A cached answer serves every user, as with the other contenders.
  CACHE_SCOPE: process.env.CACHE_SCOPE ?? 'all',
  WORKER_CONCURRENCY: String(settings.concurrency),
});

/** A provider that answers at once, in this process. */
export const instantProvider: CreateProvider = (options) => ({
  parametersOf: answerParameters(options),
  ask: async ({ message }) => ({
    response: instantAnswer(message),
    model: options.model,
    provider: options.name,
    usage: { promptTokens: 1, completionTokens: 1, totalTokens: 2, cost: null },
    finishReason: 'stop',
  }),
});
