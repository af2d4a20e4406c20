import { loadWorkerConfig } from '../config/load.ts';
import { createLogger } from '../observability/log.ts';
import { refuseOtherBullMq } from './bullmq-version.ts';
import { logEverything, readConfig, stopOnSignal } from './process.ts';
import { startWorker } from './start-worker.ts';

const config = readConfig(loadWorkerConfig);
const logger = createLogger('worker', config.logLevel);
logEverything(logger);
refuseOtherBullMq(logger);
const { stop } = await startWorker(config, { logger });
stopOnSignal({ logger, graceMs: config.shutdownGraceMs, stop });
