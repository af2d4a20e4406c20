import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import type { Redis } from 'ioredis';

/** What was used since the start. Subtract two values to measure an interval. */
export interface Usage {
  /** CPU time in ms of the contender's processes, of Redis and of RabbitMQ; NaN if there is no /proc. */
  cpuMs: number;
  redisCpuMs: number;
  rabbitMqCpuMs: number;
  /** Commands that Redis ran, including those within scripts. */
  redisCommands: number;
  /** How often Redis read from a socket. Commands that were written at once count as one read. */
  redisReads: number;
}

const CLOCK_TICKS = ticksPerSecond();

function ticksPerSecond(): number {
  try {
    return Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
  } catch {
    return 100;
  }
}

export async function readUsage(redis: Redis, pids: readonly number[]): Promise<Usage> {
  const processes = listProcesses();
  const stats = await redis.info('stats');
  const count = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(stats)?.[1]);
  const ours = descendants(processes, process.pid);
  const cpuOf = (wanted: (entry: Process) => boolean) =>
    processes.length === 0 ? Number.NaN : ours.filter(wanted).reduce((sum, { cpuMs }) => sum + cpuMs, 0);
  const contender = new Set(pids.flatMap((pid) => descendants(processes, pid).map((entry) => entry.pid)));
  return {
    cpuMs: cpuOf(({ pid }) => contender.has(pid)),
    redisCpuMs: cpuOf(({ name }) => /^(redis|valkey)-server/.test(name)),
    rabbitMqCpuMs: cpuOf(({ name }) => name.startsWith('beam')),
    redisCommands: count('total_commands_processed'),
    redisReads: count('total_reads_processed'),
  };
}

/** What all cores have done since the start of the machine, in ms. Subtract two values to measure an interval. */
export function readCores(): { idleMs: number; allMs: number } {
  const times = cpus().map((core) => core.times);
  const idleMs = times.reduce((sum, { idle }) => sum + idle, 0);
  const allMs = times.reduce((sum, { user, nice, sys, idle, irq }) => sum + user + nice + sys + idle + irq, 0);
  return { idleMs, allMs };
}

/** Resident memory of the processes and their children, in bytes; NaN if there is no /proc. */
export function residentBytes(pids: readonly number[]): number {
  const processes = listProcesses();
  if (processes.length === 0) return Number.NaN;
  return pids.flatMap((pid) => descendants(processes, pid)).reduce((sum, { rssBytes }) => sum + rssBytes, 0);
}

/** The most memory that a process has had resident so far, in bytes; NaN if there is no /proc. */
export function peakResidentBytes(pid: number): number {
  try {
    return Number(/VmHWM:\s*(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
  } catch {
    return Number.NaN;
  }
}

/** A process and its children. */
export const processTree = (pid: number): number[] => descendants(listProcesses(), pid).map((entry) => entry.pid);

/** Signals a process and its children. */
export function signalTree(pid: number, signal: NodeJS.Signals): void {
  process.kill(pid, signal);
  for (const child of descendants(listProcesses(), pid)) if (child.pid !== pid) process.kill(child.pid, signal);
}

interface Process {
  pid: number;
  parent: number;
  name: string;
  cpuMs: number;
  rssBytes: number;
}

const PAGE_BYTES = 4096;

function listProcesses(): Process[] {
  const entries: Process[] = [];
  for (const entry of readEntries()) {
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      const end = stat.lastIndexOf(')');
      const fields = stat.slice(end + 2).split(' ');
      entries.push({
        pid: Number(entry),
        parent: Number(fields[1]),
        name: stat.slice(stat.indexOf('(') + 1, end),
        cpuMs: ((Number(fields[11]) + Number(fields[12])) * 1000) / CLOCK_TICKS,
        rssBytes: Number(fields[21]) * PAGE_BYTES,
      });
    } catch {
      // The process has ended in the meantime.
    }
  }
  return entries;
}

function readEntries(): string[] {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}

function descendants(processes: readonly Process[], root: number): Process[] {
  const found = processes.filter(({ pid }) => pid === root);
  for (let i = 0; i < found.length; i += 1) {
    found.push(...processes.filter(({ parent }) => parent === found[i]!.pid));
  }
  return found;
}
