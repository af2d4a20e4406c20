import { startWorker } from '../../src/main/start-worker.ts';
import { version } from '../../src/main/version.ts';
import { createLogger } from '../../src/observability/log.ts';
import { startTracing } from '../../src/observability/traces/start-tracing.ts';
import { settings } from './settings.ts';
import { instantProvider, workerConfig } from './worker-settings.ts';

// The worker as it is. Only if no model server is given, the model answers in the process.
const logger = createLogger('worker', workerConfig.logLevel);
const tracing = await startTracing(workerConfig, { process: 'worker', version, logger });
const options = { logger, tracer: tracing?.tracer };
await startWorker(workerConfig, settings.modelUrl ? options : { ...options, createProvider: instantProvider });
