import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Check } from './checks.ts';

const root = join(import.meta.dirname, '../..');

/**
 * Runs the checks in parallel, and prints one line for each as it ends. The output of a check is shown only if it has
 * failed, except for lines that begin with `left out: `.
 */
export async function runChecks(
  checks: readonly Check[],
  write: (text: string) => void = (text) => process.stdout.write(text),
): Promise<{ passed: number; failed: number }> {
  mkdirSync(join(root, '.data'), { recursive: true });
  const ends = await Promise.all(checks.map((check) => runCheck(check, write)));
  const passed = ends.filter((ok) => ok).length;
  return { passed, failed: ends.length - passed };
}

async function runCheck(check: Check, write: (text: string) => void): Promise<boolean> {
  const { name, command } = check;
  const [program, ...args] = command;
  const startedAtMs = performance.now();
  const { ok, output } = await outputOf(program, args);
  const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(1);
  const line = `${ok ? 'passed' : 'FAILED'}  ${name} (${seconds} s)\n`;
  const leftOut = output.split('\n').filter((text) => text.startsWith('left out: '));
  write(ok ? [line, ...leftOut.map((text) => `        ${text}\n`)].join('') : `${line}\n${output.trim()}\n\n`);
  return ok;
}

/** Runs a program and collects what it writes on both streams, in the order in which a terminal would show it. */
const outputOf = (program: string, args: readonly string[]) =>
  new Promise<{ ok: boolean; output: string }>((resolve) => {
    const path = `${join(root, 'node_modules', '.bin')}${delimiter}${process.env.PATH}`;
    const child = spawn(program, args, { cwd: root, env: { ...process.env, PATH: path } });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
    child.once('error', (error) => resolve({ ok: false, output: error.message }));
    child.once('close', (code) => resolve({ ok: code === 0, output }));
  });
