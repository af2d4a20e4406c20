import { startWorker } from '../../src/main/start-worker.ts';
import { createLogger } from '../../src/observability/log.ts';
import { settings } from './settings.ts';
import { instantProvider, workerConfig } from './worker-settings.ts';

// The worker as it is, but that its model answers in the process where no server is given.
const logger = createLogger('worker', workerConfig.logLevel);
await startWorker(workerConfig, settings.modelUrl ? { logger } : { logger, createProvider: instantProvider });
