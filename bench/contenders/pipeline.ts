import { startWorker } from '../../src/main/start-worker.ts';
import { createLogger } from '../../src/observability/log.ts';
import { settings } from './settings.ts';
import { instantProvider, workerConfig } from './worker-settings.ts';

// The worker as it is. Only if no model server is given, the model answers in the process.
const logger = createLogger('worker', workerConfig.logLevel);
await startWorker(workerConfig, settings.modelUrl ? { logger } : { logger, createProvider: instantProvider });
