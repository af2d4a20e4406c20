import { setTimeout as sleep } from 'node:timers/promises';
import { exitReason } from '../services/exit-reason.ts';
import type { Service } from '../services/service.ts';
import type { Supervised } from './supervise-script.ts';
import type { Terminal } from './terminal.ts';

const RESTART_MS = 1_000;
const RETRY_MS = 10_000;

/**
 * Starts a server of ours again when it ends, and says when it runs again.
 * @param server.meanwhile what its absence means
 */
export function superviseServer(
  { name, service, meanwhile }: { name: string; service: Service; meanwhile: string },
  terminal: Terminal,
): Supervised {
  let stopping = false;
  void keepRunning();
  return {
    name,
    stop: async () => {
      stopping = true;
      await service.stop();
    },
  };

  async function keepRunning(): Promise<void> {
    while (service.exited) {
      const exitCode = await service.exited();
      if (stopping) return;
      terminal.problem(
        `${name} has ended by itself. It is started again with its data; until then ${meanwhile}.\n` +
          `How it ended: ${exitReason(exitCode)}.${service.logFile ? ` Its log: ${service.logFile}` : ''}`,
      );
      await sleep(RESTART_MS);
      while (!stopping && !(await startAgain())) await sleep(RETRY_MS);
      if (stopping) return;
    }
  }

  async function startAgain(): Promise<boolean> {
    try {
      await service.start();
      terminal.say(`${name} is back.`);
      return true;
    } catch (error) {
      terminal.problem(`${(error as Error).message}\n${name} is tried again in ${RETRY_MS / 1000} s.`);
      return false;
    }
  }
}
