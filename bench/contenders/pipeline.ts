import { answerParameters } from '../../src/adapters/model/answer-parameters.ts';
import type { CreateProvider } from '../../src/adapters/model/configured-model.ts';
import { loadWorkerConfig } from '../../src/config/load.ts';
import { startWorker } from '../../src/main/start-worker.ts';
import { createLogger } from '../../src/observability/log.ts';
import { instantAnswer, SYSTEM_PROMPT } from './ask-model.ts';
import { settings } from './settings.ts';

// The worker as it is, but that its model answers in the process where no server is given.
const { modelUrl = 'http://instant.invalid/v1', concurrency } = settings;
const config = loadWorkerConfig({
  ...process.env,
  MODEL_SIMULATOR_URL: modelUrl,
  SYSTEM_PROMPT,
  WORKER_CONCURRENCY: String(concurrency),
});
const instant: CreateProvider = (options) => ({
  parametersOf: answerParameters(options),
  ask: async ({ message }) => ({
    response: instantAnswer(message),
    model: options.model,
    provider: options.name,
    usage: { promptTokens: 1, completionTokens: 1, totalTokens: 2, cost: null },
  }),
});
const logger = createLogger('worker', config.logLevel);
await startWorker(config, settings.modelUrl ? { logger } : { logger, createProvider: instant });
