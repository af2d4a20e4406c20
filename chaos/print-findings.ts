import { type Finding, violates } from './audit.ts';

/** Prints the result of a run, line by line. Returns whether there is a violation. @param run what can be repeated */
export function printFindings(run: string, findings: readonly Finding[]): boolean {
  console.log();
  for (const finding of findings) {
    const { name, value, allowed } = finding;
    const verdict = allowed ? `${violates(finding) ? 'VIOLATION' : 'ok'} (at most ${allowed.atMost})` : '';
    console.log(`  ${name.padEnd(56)} ${String(value).padStart(8)}  ${verdict}`);
  }
  const violations = findings.filter(violates).length;
  console.log(`\n${run}: ${violations === 0 ? 'no violation' : `${violations} violations`}`);
  return violations > 0;
}
