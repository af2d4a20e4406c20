import { readFileSync } from 'node:fs';

/** What jest's --json says of a run, as far as we need it. */
interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  /** Files that could not be loaded. They have no failed test to count. */
  readonly numRuntimeErrorTestSuites: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: 'passed' | 'failed';
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

export interface Results extends Report {
  /** Whether jest says that the run is good. */
  readonly ok: boolean;
}

const NOTHING: Report = { numPassedTests: 0, numFailedTests: 0, numRuntimeErrorTestSuites: 0, testResults: [] };

/** Nothing if jest ended before it could write them. */
export function readResults(file: string): Report {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Report;
  } catch {
    return NOTHING;
  }
}

export interface Counts {
  readonly passed: number;
  readonly failed: number;
}

export function count({ ok, numPassedTests, numFailedTests, numRuntimeErrorTestSuites }: Results): Counts {
  const failed = numFailedTests + numRuntimeErrorTestSuites;
  return { passed: numPassedTests, failed: ok ? failed : Math.max(1, failed) };
}

/** More than these are no bad luck. */
const MAX_AGAIN = 5;

/**
 * The files to run once more, alone: those that failed beside others, unless they are many.
 * A file that ran alone has had its chance.
 */
export function filesToRunAgain({ testResults }: Results): string[] {
  const failed = testResults.filter(({ status }) => status === 'failed').map(({ name }) => name);
  return testResults.length > 1 && failed.length <= MAX_AGAIN ? failed : [];
}

/** The counts of both runs, where the second one decides for the files that it ran. */
export function countBoth(first: Results, second: Results): Counts {
  const again = new Set(second.testResults.map(({ name }) => name));
  const decided = first.testResults.filter(({ name }) => !again.has(name));
  const passedBefore = decided
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ status }) => status === 'passed').length;
  const { passed, failed } = count(second);
  return { passed: passedBefore + passed, failed };
}

/** The tests that failed in the first run and passed in the second. */
export function unstableTests(first: Results, second: Results): string[] {
  const passed = new Set(
    second.testResults.flatMap(({ name, assertionResults }) =>
      assertionResults.filter(({ status }) => status === 'passed').map(({ fullName }) => `${name}: ${fullName}`),
    ),
  );
  return first.testResults
    .flatMap(({ name, assertionResults }) =>
      assertionResults.filter(({ status }) => status === 'failed').map(({ fullName }) => `${name}: ${fullName}`),
    )
    .filter((test) => passed.has(test));
}
