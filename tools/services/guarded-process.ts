import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { constants } from 'node:os';

/**
 * A script for any POSIX shell. It runs $@, and ends it when our process ends. To notice that, it reads a pipe on
 * descriptor 0: the system closes our end of the pipe even if our process is killed by SIGKILL. The first line of
 * output is the child's pid. After that the shell writes nothing, because messages such as "Killed" would be mixed with
 * the child's lines.
 *
 * A child that starts others may end before them, as rabbitmq-server does if it is told to end while it starts Erlang. All of
 * them are in the shell's process group. So if our process has ended, the whole group is killed at last.
 */
const GUARD = `
exec 3<&0
"$@" </dev/null 3<&- & child=$!
echo "$child"
exec 2>/dev/null
(
  cat <&3 >/dev/null
  trap "" TERM
  kill -TERM "$child"
  for second in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    kill -0 "$child" || break
    sleep 1
  done
  kill -KILL 0
) & watch=$!
wait "$child"; code=$?
kill "$watch"
exit "$code"
`;

export interface GuardedProcess {
  readonly pid: number;
  readonly exited: Promise<void>;
  readonly running: boolean;
  /** undefined while it runs. 128 plus the signal's number if a signal ended it. */
  readonly exitCode: number | undefined;
  /** The last 64 kB that it has written. */
  output(): string;
  /** Sends SIGTERM, and kills it and its children if it does not end within 20 s. */
  stop(): Promise<void>;
  /** Sends SIGKILL at once, to it and to its children. */
  kill(): Promise<void>;
}

/** Added to a signal's number, as shells do. */
const SIGNALED = 128;
const OUTPUT_KEPT = 64 * 1024;
const STOP_TIMEOUT_MS = 20_000;

/**
 * Starts a child process that ends when our process ends.
 * @param options.onLine for each line it writes, on either stream
 * @param options.logFile where its output goes as well
 */
export async function startGuarded(
  command: string,
  args: readonly string[],
  options: { env?: NodeJS.ProcessEnv; cwd?: string; onLine?: (line: string) => void; logFile?: string } = {},
): Promise<GuardedProcess> {
  const child = spawn('sh', ['-c', GUARD, 'guard', command, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: options.env ?? process.env,
    cwd: options.cwd,
    // Ctrl-C in the terminal only goes to us. We decide the order in which processes end.
    detached: true,
  });
  const pid = await firstLine(child);
  const log = options.logFile ? createWriteStream(options.logFile, { flags: 'a' }) : undefined;
  let kept = '';
  for (const stream of [child.stdout, child.stderr]) {
    let partial = '';
    stream?.on('data', (chunk: Buffer) => {
      const text = chunk.toString();
      kept = (kept + text).slice(-OUTPUT_KEPT);
      log?.write(text);
      const lines = (partial + text).split('\n');
      partial = lines.pop() ?? '';
      for (const line of lines) options.onLine?.(line);
    });
  }
  let running = true;
  let exitCode: number | undefined;
  const exited = once(child, 'close').then((end) => {
    const [code, signal] = end as [number | null, NodeJS.Signals | null];
    running = false;
    exitCode = code ?? (signal ? SIGNALED + constants.signals[signal] : undefined);
    log?.end();
  });
  child.stdin?.on('error', () => {});

  const signal = (to: number, name: NodeJS.Signals) => {
    try {
      process.kill(to, name);
    } catch {
      // It has ended already.
    }
  };
  /** The group of the guard, which it leads because it is detached. */
  const killAll = () => signal(-child.pid!, 'SIGKILL');

  return {
    pid,
    exited,
    get running() {
      return running;
    },
    get exitCode() {
      return exitCode;
    },
    output: () => kept,
    stop: async () => {
      if (!running) return;
      signal(pid, 'SIGTERM');
      const timer = setTimeout(killAll, STOP_TIMEOUT_MS);
      await exited;
      clearTimeout(timer);
    },
    kill: async () => {
      if (!running) return;
      killAll();
      await exited;
    },
  };
}

async function firstLine(child: ChildProcess): Promise<number> {
  const line = await new Promise<string>((resolve, reject) => {
    let text = '';
    const read = () => {
      for (let byte = child.stdout?.read(1); byte; byte = child.stdout?.read(1)) {
        text += byte.toString();
        if (text.endsWith('\n')) {
          child.stdout?.off('readable', read);
          resolve(text);
          return;
        }
      }
    };
    child.stdout?.on('readable', read);
    child.once('error', reject);
    child.once('close', () => reject(new Error('the process could not be started')));
  });
  return Number(line);
}
