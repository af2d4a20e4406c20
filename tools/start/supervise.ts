import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type GuardedProcess, startGuarded } from '../services/guarded-process.ts';
import type { Service } from '../services/service.ts';
import type { Environment } from './environment.ts';
import type { Terminal } from './terminal.ts';

/** Something that is started again when it ends by itself. */
export interface Supervised {
  readonly name: string;
  /** Its last words, if it ended before it ever worked. */
  gaveUp(): string | undefined;
  stop(): Promise<void>;
}

const RESTART_BASE_MS = 1_000;
const RESTART_MAX_MS = 30_000;
/** What ends sooner than this after its first start would do so again. */
const BROKEN_MS = 5_000;
const LAST_LINES = 8;

/** Runs one of our scripts as a process; what it writes goes to its log, and to the terminal as that has it. */
export async function superviseScript(options: {
  name: string;
  file: string;
  args: string[];
  env: Environment;
  root: string;
  dataDir: string;
  terminal: Terminal;
}): Promise<Supervised> {
  const { name, file, args, env, root, dataDir, terminal } = options;
  let child: GuardedProcess;
  let stopping = false;
  let gaveUp: string | undefined;

  const run = () =>
    startGuarded(process.execPath, [join(root, file), ...args], {
      env,
      cwd: root,
      logFile: join(dataDir, 'logs', `${name}.log`),
      onLine: (line) => terminal.childLine(name, line),
    });
  const keepRunning = async () => {
    const firstStart = Date.now();
    for (let restarts = 0; ; restarts++) {
      const startedAt = Date.now();
      await child.exited;
      if (stopping) return;
      const lastLines = child.output().trimEnd().split('\n').slice(-LAST_LINES).join('\n');
      if (restarts === 0 && Date.now() - firstStart < BROKEN_MS) {
        gaveUp = lastLines;
        return;
      }
      if (Date.now() - startedAt > RESTART_MAX_MS) restarts = 0;
      const delayMs = Math.min(RESTART_MAX_MS, RESTART_BASE_MS * 2 ** restarts);
      terminal.problem(
        `${name} has ended by itself; it is started again in ${delayMs / 1000} s. Its last lines:\n${lastLines}`,
      );
      await sleep(delayMs);
      if (stopping) return;
      child = await run();
    }
  };

  child = await run();
  void keepRunning();
  return {
    name,
    gaveUp: () => gaveUp,
    stop: async () => {
      stopping = true;
      await child.stop();
    },
  };
}

/** Starts a server of ours again when it ends. */
export function superviseServer({ name, service }: { name: string; service: Service }, terminal: Terminal): Supervised {
  let stopping = false;
  const keepRunning = async () => {
    while (service.exited) {
      await service.exited();
      if (stopping) return;
      terminal.problem(`${name} has ended by itself; it is started again.`);
      await sleep(RESTART_BASE_MS);
      if (stopping) return;
      const done = terminal.doing(name);
      await service.start().then(done, (error: Error) => terminal.problem(error.message));
    }
  };
  void keepRunning();
  return {
    name,
    gaveUp: () => undefined,
    stop: async () => {
      stopping = true;
      await service.stop();
    },
  };
}
