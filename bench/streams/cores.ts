import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';

/** The cores that the figure of one core needs: one for the process, and the others for everything else. */
const [ONE, OTHERS] = ['0', `1-${cpus().length - 1}`];

/** Whether processes can be bound to cores here. */
export function canBind(): boolean {
  try {
    execFileSync('taskset', ['-p', String(process.pid)], { stdio: 'ignore' });
    return cpus().length > 1;
  } catch {
    return false;
  }
}

/** Binds a process to one core and the rest of this run to the others. Returns how to undo that. */
export function bindToOneCore(pid: number, others: readonly number[]): () => void {
  bind(pid, ONE);
  for (const other of others) bind(other, OTHERS);
  return () => {
    for (const other of others) bind(other, `0-${cpus().length - 1}`);
  };
}

const bind = (pid: number, cores: string) => execFileSync('taskset', ['-a', '-p', '-c', cores, String(pid)]);
