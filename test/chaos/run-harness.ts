import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Runs a harness to its end. */
export async function runHarness(main: string, args: readonly string[]): Promise<{ code: number; output: string }> {
  const child = spawn(process.execPath, [main, ...args]);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk;
    });
  }
  const [code] = await once(child, 'close');
  return { code, output };
}

/** The value of a finding in the output. */
export const figureOf = (output: string, finding: string) =>
  Number(new RegExp(`^  ${finding} +(\\d+)`, 'm').exec(output)?.[1]);
