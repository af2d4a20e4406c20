import { describe, expect, test } from '@jest/globals';
import { count, countBoth, filesToRunAgain, type Results, unstableTests } from '../../../tools/test/results.ts';

/** A run of files, each with its tests: + for one that passed, - for one that failed. */
function run(files: Record<string, string>): Results {
  const testResults = Object.entries(files).map(([name, tests]) => ({
    name,
    status: tests.includes('-') || tests === '' ? ('failed' as const) : ('passed' as const),
    assertionResults: [...tests].map((sign, i) => ({
      status: sign === '+' ? 'passed' : 'failed',
      fullName: `test ${i}`,
    })),
  }));
  const all = Object.values(files).join('');
  return {
    ok: testResults.every(({ status }) => status === 'passed'),
    numPassedTests: all.split('+').length - 1,
    numFailedTests: all.split('-').length - 1,
    numRuntimeErrorTestSuites: Object.values(files).filter((tests) => tests === '').length,
    testResults,
  };
}

describe('a file that failed beside others', () => {
  test('runs once more', () => {
    expect(filesToRunAgain(run({ a: '++', b: '+-', c: '' }))).toEqual(['b', 'c']);
  });

  test('counts as its second run went', () => {
    const first = run({ a: '++', b: '+-' });
    expect(countBoth(first, run({ b: '++' }))).toEqual({ passed: 4, failed: 0 });
    expect(countBoth(first, run({ b: '+-' }))).toEqual({ passed: 3, failed: 1 });
  });

  test('counts as failed if jest ends before its second run', () => {
    const first = run({ a: '++', b: '+-' });
    expect(countBoth(first, { ...run({}), ok: false })).toMatchObject({ failed: 1 });
  });

  test('is named if that saved it', () => {
    const first = run({ a: '++', b: '+--' });
    expect(unstableTests(first, run({ b: '++-' }))).toEqual(['b: test 1']);
  });
});

test('a file that failed alone has had its chance', () => {
  expect(filesToRunAgain(run({ a: '-' }))).toEqual([]);
});

test('many files that fail are no bad luck', () => {
  expect(filesToRunAgain(run({ a: '-', b: '-', c: '-', d: '-', e: '-', f: '-' }))).toEqual([]);
});

test('a file that cannot be loaded counts as failed, and so does a run that is not good for another reason', () => {
  expect(count(run({ a: '+', b: '' }))).toEqual({ passed: 1, failed: 1 });
  expect(count({ ...run({ a: '+' }), ok: false })).toEqual({ passed: 1, failed: 1 });
});
