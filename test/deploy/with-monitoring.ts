import { describe } from '@jest/globals';
import { type Monitoring, monitoringPrograms } from '../../tools/services/monitoring.ts';

const found = monitoringPrograms();

/** Describes tests that need Prometheus and Alertmanager. Where they are not installed, it says that it leaves them out. */
export function withMonitoring(what: string, tests: (programs: Monitoring) => void): void {
  if (!found) process.stdout.write(`${what}: left out, because prometheus and prometheus-alertmanager are missing\n`);
  (found ? describe : describe.skip)(what, () => tests(found!));
}
