import { answerParameters } from '../../src/adapters/model/answer-parameters.ts';
import type { CreateProvider } from '../../src/adapters/model/configured-model.ts';
import { loadWorkerConfig } from '../../src/config/load.ts';
import { instantAnswer, SYSTEM_PROMPT } from './ask-model.ts';
import { settings } from './settings.ts';

/** A worker's settings as they are shipped; without a model's server it needs an `instantProvider`. */
export const workerConfig = loadWorkerConfig({
  ...process.env,
  MODEL_SIMULATOR_URL: settings.modelUrl ?? 'http://instant.invalid/v1',
  SYSTEM_PROMPT,
  // As in the others, an answer serves whoever asks the same.
  CACHE_SCOPE: 'all',
  WORKER_CONCURRENCY: String(settings.concurrency),
});

/** Answers in the process, at once. */
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
