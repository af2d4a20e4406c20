import { startWorker } from '../../src/main/start-worker.ts';
import { createLogger } from '../../src/observability/log.ts';
import { settings } from './settings.ts';
import { instantProvider, workerConfig } from './worker-settings.ts';

// The worker as it is shipped. Only if there is no model server, the model answers in the process.
const logger = createLogger('worker', workerConfig.logLevel);
await startWorker(workerConfig, settings.modelUrl ? { logger } : { logger, createProvider: instantProvider });
