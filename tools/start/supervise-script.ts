import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { withCompileCache } from '../services/compile-cache.ts';
import { exitReason } from '../services/exit-reason.ts';
import { startGuarded } from '../services/guarded-process.ts';
import { changedNames, type Environment } from './environment.ts';
import type { Terminal } from './terminal.ts';

/** Something that is started again when it ends by itself. */
export interface Supervised {
  readonly name: string;
  stop(): Promise<void>;
}

export interface SupervisedScript extends Supervised {
  /** The environment of its last start. */
  readonly env: Environment;
  /** Why it ended and what it wrote last, if it ended before it was ready. Such a script is not started again. */
  gaveUp(): string | undefined;
  /** From now on it is started again when it ends. */
  works(): void;
}

const RESTART_BASE_MS = 1_000;
const RESTART_MAX_MS = 30_000;
/** How often we check for new settings before a restart. */
const LOOK_MS = 250;
const LAST_LINES = 8;

/**
 * Runs one of our scripts as a process. Its output goes to its log file, and a part of it to the terminal. If it ends
 * by itself, it is started again: after a pause that grows each time, or at once if its settings have changed.
 * @param options.readEnv reads its settings; called before each start, so that a corrected `.env` takes effect
 * @param options.onRestart called after each start except the first
 */
export async function superviseScript(options: {
  name: string;
  file: string;
  args: string[];
  readEnv: () => Environment;
  root: string;
  dataDir: string;
  terminal: Terminal;
  onRestart?: () => void;
}): Promise<SupervisedScript> {
  const { name, file, args, readEnv, root, dataDir, terminal, onRestart } = options;
  let env = readEnv();
  let stopping = false;
  let works = false;
  let gaveUp: string | undefined;

  const run = () =>
    startGuarded(process.execPath, [join(root, file), ...args], {
      env: { ...withCompileCache, ...env },
      cwd: root,
      logFile: join(dataDir, 'logs', `${name}.log`),
      onLine: (line) => terminal.childLine(name, line),
    });
  let child = await run();
  void keepRunning();
  return {
    name,
    get env() {
      return env;
    },
    gaveUp: () => gaveUp,
    works: () => {
      works = true;
    },
    stop: async () => {
      stopping = true;
      await child.stop();
    },
  };

  async function keepRunning(): Promise<void> {
    for (let restarts = 0; ; restarts++) {
      const startedAt = performance.now();
      await child.exited;
      if (stopping) return;
      const lastLines = child.output().trimEnd().split('\n').slice(-LAST_LINES).map(terminal.readable).join('\n');
      const how = `${exitReason(child.exitCode)}.${lastLines && ` Its last lines:\n${lastLines}`}`;
      if (!works) {
        gaveUp = how;
        return;
      }
      if (performance.now() - startedAt > RESTART_MAX_MS) restarts = 0;
      const delayMs = Math.min(RESTART_MAX_MS, RESTART_BASE_MS * 2 ** restarts);
      const when = `It is started again in ${delayMs / 1000} s, or as soon as .env has changed`;
      terminal.problem(`${name} has ended by itself. ${when}.\nHow it ended: ${how}`);
      await newSettingsWithin(delayMs);
      if (stopping) return;
      await restart();
    }
  }

  async function newSettingsWithin(delayMs: number): Promise<void> {
    const end = performance.now() + delayMs;
    while (!stopping && performance.now() < end && changedNames(env, readEnv()).length === 0) await sleep(LOOK_MS);
  }

  async function restart(): Promise<void> {
    const before = env;
    env = readEnv();
    const changed = changedNames(before, env);
    child = await run();
    terminal.say(
      `${name} is started again${changed.length > 0 ? `, with new values of ${changed.join(', ')}` : ', with the same settings'}.`,
    );
    onRestart?.();
  }
}
