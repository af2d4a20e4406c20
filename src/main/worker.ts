import { loadWorkerConfig } from '../config/load.ts';
import { createLogger } from '../observability/log.ts';
import { openTerminal } from '../observability/terminal.ts';
import { startTracing } from '../observability/traces/start-tracing.ts';
import { refuseOtherBullMq } from './bullmq-version.ts';
import { logEverything, readConfig, stopOnSignal } from './process.ts';
import { startWorker } from './start-worker.ts';
import { version } from './version.ts';

const config = readConfig(loadWorkerConfig);
const logger = createLogger('worker', config.logLevel, await openTerminal());
logEverything(logger);
refuseOtherBullMq(logger);
const tracing = await startTracing(config, { process: 'worker', version, logger });
const worker = await startWorker(config, { logger, tracer: tracing?.tracer });
stopOnSignal({
  logger,
  graceMs: config.shutdownGraceMs,
  stop: async () => {
    await worker.stop();
    await tracing?.stop();
  },
});
